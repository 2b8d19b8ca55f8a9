import { useState } from 'preact/hooks';
import { explain } from '../api/http';
import { parseSize, sizeName, type PictureModel } from '../api/models';
import { Icon } from '../parts/icon';
import { ModelSelect } from '../parts/model_select';
import { changeDraft, chosenGuidance, chosenModel, chosenSteps, draft, isReady, isSeed, toRequest, type Draft } from '../state/draft';
import { fanOut, isOpen, SEEDS, type Gallery } from '../state/gallery';
import { useStore } from '../state/store';
import { fitPicture } from './crop';
import { SourcePicture } from './source_picture';

interface FormProps {
  readonly served: readonly PictureModel[];
  readonly gallery: Gallery;
}

const COUNTS = [1, 2, 4] as const;
// More than these do not fit beside each other.
const MOST_SEGMENTS = 5;

async function start(value: Draft, model: PictureModel, gallery: Gallery): Promise<void> {
  const request = toRequest(value, model);
  const size = request.size === undefined ? undefined : parseSize(request.size);
  const source = value.source === undefined ? undefined : await fitPicture(value.source.blob, size);
  gallery.add(fanOut(request, value.count), source);
}

interface ChoiceProps {
  readonly label: string;
  readonly values: readonly string[];
  readonly value: string;
  readonly onPick: (value: string) => void;
}

function Choice({ label, values, value, onPick }: ChoiceProps) {
  if (values.length > MOST_SEGMENTS) {
    return (
      <label class="field">
        <span>{label}</span>
        <select value={value} onChange={(event) => onPick(event.currentTarget.value)}>
          {values.map((item) => <option key={item} value={item}>{item}</option>)}
        </select>
      </label>
    );
  }
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="segments">
        {values.map((item) => (
          <label key={item}>
            <input type="radio" name={label} checked={item === value} onChange={() => onPick(item)} />
            <span>{item}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function guidanceHint(value: Draft, guidance: number): string {
  if (guidance > 1) return 'Keeps closer to the words; takes twice as long.';
  return value.negative.trim() === '' ? 'Off: the model paints as it learned to.' : 'What to keep away from counts only with guidance.';
}

function Guidance({ value, model }: { readonly value: Draft; readonly model: PictureModel }) {
  const guidance = chosenGuidance(value, model);
  return (
    <>
      <label class="field">
        <span>What to keep away from</span>
        <input placeholder="optional" value={value.negative} onInput={(event) => changeDraft({ negative: event.currentTarget.value })} />
      </label>
      <div class="field">
        <label for="guidance">Guidance <b>{guidance > 1 ? guidance.toFixed(1) : 'off'}</b></label>
        <input id="guidance" type="range" min="1" max={model.guidanceMax} step="0.1" value={guidance} aria-describedby="guidance-hint"
          aria-valuetext={guidance > 1 ? guidance.toFixed(1) : 'off'} onInput={(event) => changeDraft({ guidance: Number(event.currentTarget.value) })} />
        <p class="hint" id="guidance-hint">{guidanceHint(value, guidance)}</p>
      </div>
    </>
  );
}

function Details({ value, model }: { readonly value: Draft; readonly model: PictureModel }) {
  const sizes = model.sizes.map(sizeName);
  const steps = model.steps.map(String);
  return (
    <>
      <div class="choices">
        <Choice label="Pictures" values={COUNTS.map(String)} value={String(value.count)} onPick={(count) => changeDraft({ count: Number(count) })} />
        {steps.length > 1 && <Choice label="Steps" values={steps} value={String(chosenSteps(value, model))} onPick={(item) => changeDraft({ steps: item })} />}
        {sizes.length > 1 && <Choice label="Size" values={sizes} value={sizes.includes(value.size) ? value.size : (sizes[0] ?? '')} onPick={(size) => changeDraft({ size })} />}
      </div>
      <div class="field">
        <label for="seed">Seed</label>
        <span class="joined">
          <input id="seed" inputMode="numeric" pattern="[0-9]*" placeholder="a new one each time" value={value.seed} aria-invalid={!isSeed(value.seed)}
            onInput={(event) => changeDraft({ seed: event.currentTarget.value })} />
          <button type="button" class="quiet square" aria-label="A new seed each time" title="A new seed each time" disabled={value.seed === ''}
            onClick={() => changeDraft({ seed: '' })}><Icon name="dice" /></button>
        </span>
        {!isSeed(value.seed) && <p class="problem" role="alert">A seed is a whole number below {SEEDS}.</p>}
      </div>
      {model.guidanceMax > 1 && <Guidance value={value} model={model} />}
    </>
  );
}

export function PictureForm({ served, gallery }: FormProps) {
  const value = useStore(draft);
  const pictures = useStore(gallery.pictures);
  const [problem, setProblem] = useState<string>();
  const [hasRoom] = useState(() => matchMedia('(min-width: 720px)').matches);
  const model = chosenModel(value, served);
  if (model === undefined) return null;
  const paint = () => {
    // What was typed last may not be drawn yet.
    const newest = draft.get();
    if (!isReady(newest)) return;
    setProblem(undefined);
    start(newest, chosenModel(newest, served) ?? model, gallery).catch((error: unknown) => setProblem(explain(error)));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    paint();
  };
  const open = pictures.filter(isOpen).length;
  return (
    <form class="picture-form" onSubmit={(event) => { event.preventDefault(); paint(); }}>
      <div class="toolbar"><ModelSelect ids={served.map((entry) => entry.id)} value={model.id} onChange={(id) => changeDraft({ model: id })} /></div>
      <label class="field">
        <span>What shall it be?</span>
        <textarea class="prompt" rows={2} placeholder="a red apple" value={value.prompt} onKeyDown={onKeyDown}
          onInput={(event) => changeDraft({ prompt: event.currentTarget.value })} />
      </label>
      <div class="row">
        <button type="submit" class="primary grow" disabled={!isReady(value)}>{value.source === undefined ? 'Paint' : 'Paint over it'}</button>
        {open > 0 && <button type="button" class="quiet" onClick={() => gallery.stopAll()}><Icon name="stop" /><span>Stop {open > 1 ? `all ${open}` : ''}</span></button>}
      </div>
      {problem !== undefined && <p class="problem" role="alert">{problem}</p>}
      {model.edits && <SourcePicture value={value} />}
      <details class="more" open={hasRoom}>
        <summary>More choices</summary>
        <div class="more-fields"><Details value={value} model={model} /></div>
      </details>
    </form>
  );
}
