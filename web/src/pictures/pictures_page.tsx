import { useEffect, useState } from 'preact/hooks';
import type { PictureModel } from '../api/models';
import { Notice } from '../parts/notice';
import { setSource } from '../state/draft';
import { Gallery } from '../state/gallery';
import { models } from '../state/server';
import { useStore } from '../state/store';
import { firstPicture } from './crop';
import { GalleryView } from './gallery_view';
import { PictureForm } from './picture_form';

const gallery = new Gallery();

/** Takes pictures that are pasted or dropped anywhere on the page; true while one is held above it. */
function useIncomingPictures(active: boolean): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (!active) return undefined;
    const take = (event: Event, data: DataTransfer | null) => {
      const file = firstPicture(data?.files);
      if (file === undefined) return;
      event.preventDefault();
      setSource(file);
    };
    const paste = (event: ClipboardEvent) => take(event, event.clipboardData);
    const drop = (event: DragEvent) => { setOver(false); take(event, event.dataTransfer); };
    const hold = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => { if (event.relatedTarget === null) setOver(false); };
    const listeners = { paste, drop, dragover: hold, dragleave: leave } as const;
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener as EventListener);
    };
  }, [active]);
  return over;
}

function Studio({ served, shown }: { readonly served: readonly PictureModel[]; readonly shown: boolean }) {
  const over = useIncomingPictures(shown);
  return (
    <div class={`studio${over ? ' drop-here' : ''}`}>
      <PictureForm served={served} gallery={gallery} />
      <GalleryView gallery={gallery} />
      {over && <div class="drop-sign" aria-hidden="true">Drop the picture to start from it</div>}
    </div>
  );
}

export function PicturesPage({ shown }: { readonly shown: boolean }) {
  const loaded = useStore(models);
  if (loaded.state === 'loading') return <p class="waiting">Asking which models there are…</p>;
  if (loaded.state === 'failed') return <Notice title="The models cannot be listed"><p>{loaded.reason}</p></Notice>;
  if (loaded.value.pictures.length > 0) return <Studio served={loaded.value.pictures} shown={shown} />;
  return (
    <Notice title="There is no picture model here">
      <p>This server serves no model that paints{loaded.value.text.length > 0 ? ', only ones that chat' : ''}.</p>
      <p class="soft">Import one with <code>axle import FOLDER</code>, then start the server again.</p>
    </Notice>
  );
}
