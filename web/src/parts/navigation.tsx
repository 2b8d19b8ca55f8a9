import { PAGES, type Page } from '../state/route';
import { Icon } from './icon';

const NAMES: Readonly<Record<Page, string>> = { chat: 'Chat', pictures: 'Pictures', card: 'Card' };

/** The links between the pages: in the header on wide screens, at the thumb on phones. */
export function Navigation({ page, place }: { readonly page: Page; readonly place: 'top' | 'bottom' }) {
  return (
    <nav class={`nav nav-${place}`} aria-label="Pages">
      {PAGES.map((name) => (
        <a key={name} href={`#/${name}`} aria-current={name === page ? 'page' : undefined}>
          <Icon name={name} />
          <span>{NAMES[name]}</span>
        </a>
      ))}
    </nav>
  );
}
