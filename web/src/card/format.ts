const KIB = 1024;

/** Bytes in words: "6.9 GiB". */
export function bytesText(bytes: number): string {
  if (bytes >= KIB ** 3) return `${(bytes / KIB ** 3).toFixed(1)} GiB`;
  if (bytes >= KIB ** 2) return `${Math.round(bytes / KIB ** 2)} MiB`;
  return `${Math.ceil(bytes / KIB)} KiB`;
}

/** A time span in words of its largest two units: "2 h 5 min". */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** Things to choose from: "1, 2 or 4"; of many the first and the last: "1 to 50". */
export function choiceText(choices: readonly (string | number)[]): string {
  const last = choices.at(-1) ?? '';
  if (choices.length < 2) return String(last);
  return choices.length > 6 ? `${choices[0]} to ${last}` : `${choices.slice(0, -1).join(', ')} or ${last}`;
}

/** A text with the names alone of the files in it. */
export function withoutFolders(text: string): string {
  return text.replace(/(^|\s)\/\S*\/(?=\S)/g, '$1');
}
