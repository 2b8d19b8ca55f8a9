import { useEffect } from 'preact/hooks';
import { CardPage } from './card/card_page';
import { ChatPage } from './chat/chat_page';
import { Header } from './parts/header';
import { KeyDialog } from './parts/key_dialog';
import { LiveRegion } from './parts/live_region';
import { Navigation } from './parts/navigation';
import { PicturesPage } from './pictures/pictures_page';
import { route, type Page } from './state/route';
import { useStore } from './state/store';

const TITLES: Readonly<Record<Page, string>> = { chat: 'Chat', pictures: 'Pictures', card: 'Card' };

// All pages stay in the document: a stream goes on, and a half-written text stays, while another one is looked at.
export function App() {
  const page = useStore(route);
  useEffect(() => {
    document.title = `${TITLES[page]} · axle`;
  }, [page]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>
        Skip to the page
      </a>
      <Header page={page} />
      <main id="main" tabIndex={-1}>
        <section class="page" hidden={page !== 'chat'} aria-label="Chat"><ChatPage /></section>
        <section class="page" hidden={page !== 'pictures'} aria-label="Pictures"><PicturesPage shown={page === 'pictures'} /></section>
        <section class="page" hidden={page !== 'card'} aria-label="Card" tabIndex={0}><CardPage /></section>
      </main>
      <Navigation page={page} place="bottom" />
      <KeyDialog />
      <LiveRegion />
    </>
  );
}
