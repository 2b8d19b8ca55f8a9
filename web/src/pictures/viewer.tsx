import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import type { Gallery, Picture } from '../state/gallery';
import { PictureActions } from './picture_actions';
import { progressText } from './tile';

interface ViewerProps {
  readonly picture: Picture;
  readonly gallery: Gallery;
  readonly onClose: () => void;
  readonly onMove: (by: number) => void;
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
}

/** What a picture was made with. */
export function facts(picture: Picture): string {
  const { size, steps, strength, cfg_scale: guidance, negative_prompt: negative } = picture.request;
  const parts = [progressText(picture)];
  if (size !== undefined) parts.push(size.replace('x', ' × '));
  if (steps !== undefined) parts.push(`${steps} ${steps === 1 ? 'step' : 'steps'}`);
  if (picture.source !== undefined && strength !== undefined) parts.push(`changed ${Math.round(strength * 100)} %`);
  if (guidance !== undefined) parts.push(`guidance ${guidance}`);
  if (negative !== undefined) parts.push(`away from ${negative}`);
  if (picture.seconds !== undefined) parts.push(`${picture.seconds.toFixed(1)} s`);
  return parts.join(' · ');
}

/** One picture, as large as the screen allows; arrow keys go on to its neighbours. */
export function Viewer({ picture, gallery, onClose, onMove, hasPrevious, hasNext }: ViewerProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft') onMove(-1);
    if (event.key === 'ArrowRight') onMove(1);
  };
  return (
    <Dialog label={picture.request.prompt} class="viewer" onClose={onClose} onKeyDown={onKeyDown}>
      <div class="viewer-head">
        <h2>{picture.request.prompt}</h2>
        <button type="button" class="plain square" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
      </div>
      <div class="viewer-stage">
        <button type="button" class="plain square" aria-label="Newer picture" disabled={!hasPrevious} onClick={() => onMove(-1)}><Icon name="left" /></button>
        {picture.url === undefined ? <p class="soft">{progressText(picture)}</p> : <img src={picture.url} alt={picture.request.prompt} />}
        <button type="button" class="plain square" aria-label="Older picture" disabled={!hasNext} onClick={() => onMove(1)}><Icon name="right" /></button>
      </div>
      <p class="viewer-facts">{facts(picture)}</p>
      {picture.state === 'done' && <PictureActions picture={picture} gallery={gallery} onDone={onClose} />}
    </Dialog>
  );
}
