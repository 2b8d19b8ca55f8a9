import { Icon } from '../parts/icon';
import { parseSize } from '../api/models';
import { mostPreviews } from '../api/pictures';
import { isOpen, type Gallery, type Picture } from '../state/gallery';

interface TileProps {
  readonly picture: Picture;
  readonly gallery: Gallery;
  readonly onOpen: () => void;
}

/** One line on how far a picture is. */
export function progressText(picture: Picture): string {
  switch (picture.state) {
    case 'waiting': return 'Waiting for its turn';
    case 'painting': return picture.previews === 0 ? 'Beginning' : `Preview ${picture.previews}`;
    case 'done': return `Seed ${picture.seed}`;
    case 'failed': return picture.error ?? 'Failed';
    case 'stopped': return 'Stopped';
  }
}

function ratioClass(picture: Picture): string {
  const size = parseSize(picture.request.size ?? '');
  if (size === undefined || size.width === size.height) return 'square-ratio';
  return size.width > size.height ? 'wide-ratio' : 'tall-ratio';
}

// Until the first preview nobody knows when it begins.
function Progress({ picture: { request, previews } }: { readonly picture: Picture }) {
  const most = mostPreviews(request);
  const reached = most === undefined || previews === 0 ? {} : { value: Math.min(previews, most), max: most + 1 };
  return <progress aria-label={`Painting ${request.prompt}`} {...reached} />;
}

function Face({ picture, onOpen }: { readonly picture: Picture; readonly onOpen: () => void }) {
  const image = picture.url === undefined ? null : <img src={picture.url} alt={picture.request.prompt} />;
  if (picture.state !== 'done') return <div class="face">{image}{picture.state === 'painting' && <Progress picture={picture} />}</div>;
  return <button type="button" class="face" aria-label={`Look at ${picture.request.prompt}, seed ${picture.seed}`} onClick={onOpen}>{image}</button>;
}

/** A picture in the gallery: it takes shape here. */
export function Tile({ picture, gallery, onOpen }: TileProps) {
  const open = isOpen(picture);
  return (
    <li class={`tile ${picture.state} ${ratioClass(picture)}`}>
      <Face picture={picture} onOpen={onOpen} />
      <div class="caption">
        <span class="caption-text"><span class="caption-prompt">{picture.request.prompt}</span><span class="caption-state">{progressText(picture)}</span></span>
        {open && <button type="button" class="plain square" aria-label={`Stop ${picture.request.prompt}`} onClick={() => gallery.stop(picture.id)}><Icon name="stop" /></button>}
        {picture.state === 'done' && <button type="button" class="plain square" aria-label="Again with another seed" title="Again with another seed" onClick={() => gallery.again(picture)}><Icon name="again" /></button>}
        {!open && picture.state !== 'done' && <button type="button" class="plain square" aria-label="Remove" onClick={() => gallery.remove(picture.id)}><Icon name="close" /></button>}
      </div>
    </li>
  );
}
