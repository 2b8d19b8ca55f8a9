import { Icon } from '../parts/icon';
import { setSource, takeOver } from '../state/draft';
import { fileName, type Gallery, type Picture } from '../state/gallery';

interface ActionsProps {
  readonly picture: Picture;
  readonly gallery: Gallery;
  readonly onDone?: () => void;
}

/** What can be done with a finished picture. */
export function PictureActions({ picture, gallery, onDone }: ActionsProps) {
  const startFromIt = () => {
    takeOver(picture);
    setSource(picture.blob);
    onDone?.();
    document.querySelector<HTMLElement>('.prompt')?.focus();
  };
  return (
    <div class="actions">
      <button type="button" class="quiet" onClick={() => { gallery.again(picture); onDone?.(); }}>
        <Icon name="again" /><span>Another seed</span>
      </button>
      <button type="button" class="quiet" onClick={startFromIt}><Icon name="start" /><span>Start from this</span></button>
      <a class="quiet button" href={picture.url ?? ''} download={fileName(picture)}><Icon name="download" /><span>Download</span></a>
      <button type="button" class="quiet" onClick={() => { onDone?.(); gallery.remove(picture.id); }}><Icon name="bin" /><span>Remove</span></button>
    </div>
  );
}
