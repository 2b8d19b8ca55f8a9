import { local } from './storage';
import { Store } from './store';

export type Theme = 'system' | 'light' | 'dark';

const NAME = 'axle.theme';
const ORDER: readonly Theme[] = ['system', 'light', 'dark'];

export function parseTheme(value: string | undefined): Theme {
  return value === 'light' || value === 'dark' ? value : 'system';
}

export function nextTheme(theme: Theme): Theme {
  return ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? 'system';
}

export const theme = new Store<Theme>('system');

function show(value: Theme): void {
  if (value === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.dataset['theme'] = value;
}

/** Takes the kept choice, and shows and keeps every later one. */
export function startTheme(): void {
  theme.set(parseTheme(local.read(NAME)));
  show(theme.get());
  theme.subscribe(() => {
    show(theme.get());
    local.write(NAME, theme.get());
  });
}
