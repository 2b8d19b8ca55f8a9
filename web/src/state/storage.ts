// Web storage that may be forbidden or full: then nothing is kept, and nothing fails.

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

export const session = {
  read: (name: string): string | undefined => attempt(() => sessionStorage.getItem(name)) ?? undefined,
  write: (name: string, value: string): void => void attempt(() => sessionStorage.setItem(name, value)),
  remove: (name: string): void => void attempt(() => sessionStorage.removeItem(name)),
};

export const local = {
  read: (name: string): string | undefined => attempt(() => localStorage.getItem(name)) ?? undefined,
  write: (name: string, value: string): void => void attempt(() => localStorage.setItem(name, value)),
  remove: (name: string): void => void attempt(() => localStorage.removeItem(name)),
};
