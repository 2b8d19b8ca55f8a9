import { Store } from './store';

/** What a screen reader says next. */
export const announcement = new Store('');

export function announce(text: string): void {
  announcement.set(text);
}

/**
 * The whole sentences of `text` after its first `from` characters, and where they end: a reader that is
 * given every token would stutter.
 */
export function wholeSentences(text: string, from: number): { readonly said: string; readonly upTo: number } {
  let upTo = from;
  for (const match of text.slice(from).matchAll(/[.!?:](?=\s)|\n+/g)) upTo = from + match.index + match[0].length;
  return { said: text.slice(from, upTo).trim(), upTo };
}
