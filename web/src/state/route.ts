import { Store } from './store';

export const PAGES = ['chat', 'pictures', 'card'] as const;
export type Page = (typeof PAGES)[number];

export function parseRoute(hash: string): Page {
  const name = hash.replace(/^#\/?/, '');
  return PAGES.find((page) => page === name) ?? 'chat';
}

export const route = new Store<Page>('chat');

export function goTo(page: Page): void {
  location.hash = `#/${page}`;
}

export function startRoute(): void {
  const follow = () => route.set(parseRoute(location.hash));
  follow();
  addEventListener('hashchange', follow);
}
