import { Icon } from '../parts/icon';
import { changeDraft, setSource, type Draft } from '../state/draft';
import { firstPicture } from './crop';

function take(input: HTMLInputElement): void {
  const file = firstPicture(input.files);
  if (file !== undefined) setSource(file);
  input.value = ''; // So that the same file can be chosen again.
}

function ChooseSource() {
  return (
    <div class="source-choose">
      <p class="hint">Start from a picture<span class="with-mouse">: drop or paste it, or</span></p>
      <div class="row">
        <label class="quiet button">
          <Icon name="pictures" /><span>Choose</span>
          <input class="unseen" type="file" accept="image/*" onChange={(event) => take(event.currentTarget)} />
        </label>
        <label class="quiet button">
          <Icon name="camera" /><span>Take one</span>
          <input class="unseen" type="file" accept="image/*" capture="environment" onChange={(event) => take(event.currentTarget)} />
        </label>
      </div>
    </div>
  );
}

/** The picture that a painting starts from, and how far it may go from it. */
export function SourcePicture({ value }: { readonly value: Draft }) {
  if (value.source === undefined) return <ChooseSource />;
  return (
    <div class="source">
      <img src={value.source.url} alt="Start of the painting" />
      <div class="source-side">
        <label class="field">
          <span>Change it <b>{Math.round(value.strength * 100)} %</b></span>
          <input type="range" min="0.05" max="1" step="0.05" value={value.strength}
            onInput={(event) => changeDraft({ strength: Number(event.currentTarget.value) })} />
        </label>
        <button type="button" class="plain small" onClick={() => setSource(undefined)}><Icon name="close" /><span>Start from nothing</span></button>
      </div>
    </div>
  );
}
