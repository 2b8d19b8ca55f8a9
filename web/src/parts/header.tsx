import { mood, type Health } from '../api/health';
import type { Page } from '../state/route';
import { health, type Loaded } from '../state/server';
import { useStore } from '../state/store';
import { nextTheme, theme, type Theme } from '../state/theme';
import { Icon, type IconName } from './icon';
import { Navigation } from './navigation';

const THEME_ICONS: Readonly<Record<Theme, IconName>> = { system: 'system', light: 'sun', dark: 'moon' };
const THEME_NAMES: Readonly<Record<Theme, string>> = { system: 'as the system', light: 'light', dark: 'dark' };

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <circle class="rim" cx="16" cy="16" r="8.7" />
      <path class="rim" d="M16 12.6V8.2M16 23.8v-4.4M19.4 16h4.4M8.2 16h4.4" />
      <circle class="hub" cx="16" cy="16" r="3" />
    </svg>
  );
}

/** One line on the card: its state, and whether it is a real one. */
function summary(state: Loaded<Health>): { readonly tone: string; readonly state: string; readonly kind: string } {
  if (state.state === 'loading') return { tone: 'busy', state: 'Connecting', kind: '' };
  if (state.state === 'failed') return { tone: 'bad', state: 'No connection', kind: '' };
  const { value } = state;
  const name = value.paused ? 'paused' : value.state;
  const kind = value.softwareCard === undefined ? '' : value.softwareCard ? 'software card' : (value.soc ?? 'card');
  return { tone: mood(value), state: name.charAt(0).toUpperCase() + name.slice(1), kind };
}

function CardPill() {
  const loaded = useStore(health);
  const { tone, state, kind } = summary(loaded);
  return (
    <a class="pill" href="#/card">
      <span class="unseen">Card: </span>
      <span class={`dot ${tone}`} />
      <span>{state}</span>
      {kind && <span class="pill-kind">{kind}</span>}
    </a>
  );
}

function ThemeSwitch() {
  const current = useStore(theme);
  const label = `Colours: ${THEME_NAMES[current]}. Change to ${THEME_NAMES[nextTheme(current)]}`;
  return (
    <button type="button" class="plain square" aria-label={label} title={label} onClick={() => theme.update(nextTheme)}>
      <Icon name={THEME_ICONS[current]} />
    </button>
  );
}

export function Header({ page }: { readonly page: Page }) {
  return (
    <header class="header">
      <a class="brand" href="#/chat" aria-label="axle, to the chat"><Logo /><span>axle</span></a>
      <Navigation page={page} place="top" />
      <div class="header-end"><CardPill /><ThemeSwitch /></div>
    </header>
  );
}
