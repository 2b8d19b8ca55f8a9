import { useState } from 'preact/hooks';
import type { Gallery } from '../state/gallery';
import { useStore } from '../state/store';
import { Tile } from './tile';
import { Viewer } from './viewer';

const IDEAS = ['a red apple', 'a smiling cat', 'a blue rocket', 'a slice of pizza'] as const;

function Empty() {
  return (
    <div class="gallery-empty">
      <h1>Nothing painted yet</h1>
      <p class="soft">Say what you would like to see, for instance {IDEAS.map((idea) => `“${idea}”`).join(', ')}. You can watch it take shape.</p>
    </div>
  );
}

/** The pictures of this visit, newest first. */
export function GalleryView({ gallery }: { readonly gallery: Gallery }) {
  const pictures = useStore(gallery.pictures);
  const [openId, setOpenId] = useState<number>();
  const index = pictures.findIndex((picture) => picture.id === openId);
  const open = pictures[index];
  const move = (by: number) => {
    const next = pictures[index + by];
    if (next !== undefined) setOpenId(next.id);
  };
  if (pictures.length === 0) return <Empty />;
  return (
    <section class="gallery" aria-label="Gallery">
      <ul class="tiles">
        {pictures.map((picture) => <Tile key={picture.id} picture={picture} gallery={gallery} onOpen={() => setOpenId(picture.id)} />)}
      </ul>
      {open !== undefined && (
        <Viewer picture={open} gallery={gallery} onClose={() => setOpenId(undefined)} onMove={move}
          hasPrevious={index > 0} hasNext={index + 1 < pictures.length} />
      )}
    </section>
  );
}
