import { sizeName, type PictureModel } from '../api/models';
import type { PictureRequest } from '../api/pictures';
import { randomSeed, SEEDS, type Picture } from './gallery';
import { Store } from './store';

/** What the form for pictures holds; numbers as they are typed, since a field may be half full. */
export interface Draft {
  readonly prompt: string;
  readonly negative: string;
  /** Undefined: off, or what a negative prompt needs. */
  readonly guidance: number | undefined;
  readonly model: string;
  readonly size: string;
  readonly steps: string;
  readonly seed: string;
  readonly count: number;
  readonly strength: number;
  readonly source: Source | undefined;
}

export interface Source {
  readonly blob: Blob;
  readonly url: string;
}

export const EMPTY_DRAFT: Draft = {
  prompt: '',
  negative: '',
  guidance: undefined,
  model: '',
  size: '',
  steps: '',
  seed: '',
  count: 1,
  strength: 0.75,
  source: undefined,
};

// What a negative prompt gets where nothing else was chosen: the middle of what LCM models bear.
const USUAL_GUIDANCE = 1.5;

export const draft = new Store<Draft>(EMPTY_DRAFT);

export function changeDraft(changes: Partial<Draft>): void {
  draft.update((old) => ({ ...old, ...changes }));
}

export function setSource(blob: Blob | undefined): void {
  const old = draft.get().source;
  changeDraft({ source: blob === undefined ? undefined : { blob, url: URL.createObjectURL(blob) } });
  if (old !== undefined) URL.revokeObjectURL(old.url);
}

/** Puts a painted picture's request into the form again, with its seed. */
export function takeOver(picture: Picture): void {
  const { model, prompt, negative_prompt = '', cfg_scale: guidance, size = '', steps } = picture.request;
  changeDraft({ model, prompt, negative: negative_prompt, guidance, size, steps: steps === undefined ? '' : String(steps), seed: String(picture.seed) });
}

function wholeNumber(value: string): number | undefined {
  return /^\d+$/.test(value.trim()) ? Number(value) : undefined;
}

/** Whether a seed as it was typed is one, or left out. */
export function isSeed(typed: string): boolean {
  return typed.trim() === '' || (wholeNumber(typed) ?? SEEDS) < SEEDS;
}

/** Whether a draft can be painted: it has a prompt, and its seed is one or left out. */
export function isReady(value: Draft): boolean {
  return value.prompt.trim() !== '' && isSeed(value.seed);
}

/** The model that a draft means: the one it names, else the first. */
export function chosenModel(value: Draft, models: readonly PictureModel[]): PictureModel | undefined {
  return models.find((model) => model.id === value.model) ?? models[0];
}

/** The steps that a draft means: those it names, if the model has them, else the model's usual ones. */
export function chosenSteps(value: Draft, model: PictureModel): number | undefined {
  return [wholeNumber(value.steps), model.defaultSteps, model.steps.at(-1)].find((steps) => steps !== undefined && model.steps.includes(steps));
}

/** The guidance that a draft means, 1 for none: what was chosen, else as much as a negative prompt needs. */
export function chosenGuidance(value: Draft, model: PictureModel): number {
  const wanted = value.guidance ?? (value.negative.trim() === '' ? 1 : USUAL_GUIDANCE);
  return Math.max(1, Math.min(wanted, model.guidanceMax));
}

/** The request of a draft. Without a seed it gets one at random, so that it can be painted again. */
export function toRequest(value: Draft, model: PictureModel): PictureRequest {
  const size = model.sizes.map(sizeName).find((name) => name === value.size) ?? (model.sizes[0] ? sizeName(model.sizes[0]) : undefined);
  const steps = chosenSteps(value, model);
  const guidance = chosenGuidance(value, model);
  const negative = guidance > 1 ? value.negative.trim() : '';
  return {
    model: model.id,
    prompt: value.prompt.trim(),
    seed: wholeNumber(value.seed) ?? randomSeed(),
    ...(size === undefined ? {} : { size }),
    ...(steps === undefined ? {} : { steps }),
    ...(guidance > 1 ? { cfg_scale: guidance } : {}),
    ...(negative === '' ? {} : { negative_prompt: negative }),
    ...(value.source === undefined ? {} : { strength: value.strength }),
  };
}
