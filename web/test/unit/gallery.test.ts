import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { PictureModel } from '../../src/api/models';
import type { PictureRequest } from '../../src/api/pictures';
import { coverBox, within } from '../../src/pictures/crop';
import { chosenGuidance, chosenSteps, EMPTY_DRAFT, isReady, toRequest } from '../../src/state/draft';
import { fanOut, fileName, Gallery } from '../../src/state/gallery';
import { eventStream, fakeFetch, openStream, until } from './fetching';

const REQUEST: PictureRequest = { model: 'm', prompt: 'A red apple!', seed: 4294967295 };
const PNG = btoa('\x89PNG');
const PREVIEW = { type: 'image_generation.partial_image', b64_json: PNG, partial_image_index: 0 };
const PICTURE = { type: 'image_generation.completed', b64_json: PNG, seed: 7 };
const MODEL: PictureModel = { kind: 'picture', id: 'm', sizes: [{ width: 512, height: 512 }], steps: [1, 2, 4], defaultSteps: 4, guidanceMax: 2, edits: true };

const states = (gallery: Gallery) => gallery.pictures.get().map((picture) => picture.state);
let urls: Set<string>;

beforeEach(() => {
  urls = new Set();
  let count = 0;
  vi.spyOn(URL, 'createObjectURL').mockImplementation(() => { urls.add(`blob:${++count}`); return `blob:${count}`; });
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation((url) => { urls.delete(url); });
  vi.stubGlobal('sessionStorage', undefined);
});

describe('Gallery', () => {
  it('paints a picture and tells the seed that the server used', async () => {
    fakeFetch(() => eventStream(PREVIEW, PICTURE, '[DONE]'));
    const gallery = new Gallery();
    gallery.add([REQUEST], undefined);
    await until(() => states(gallery)[0] === 'done');
    expect(gallery.pictures.get()[0]).toMatchObject({ seed: 7, previews: 1 });
    expect(urls.size).toBe(1); // The preview's was given back.
  });

  it('starts two at once, the oldest first, and the others as these end', async () => {
    const inits: RequestInit[] = [];
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => { inits.push(init); return Promise.resolve(openStream(init, PREVIEW)); });
    const gallery = new Gallery();
    gallery.add(fanOut(REQUEST, 4), undefined);
    await until(() => gallery.pictures.get().filter((picture) => picture.previews > 0).length === 2);
    expect(states(gallery)).toEqual(['waiting', 'waiting', 'painting', 'painting']);
    expect(inits.map((init) => (JSON.parse(String(init.body)) as PictureRequest).seed)).toEqual([4294967295, 0]);
    gallery.stop(gallery.pictures.get().at(-1)!.id);
    await until(() => inits.length === 3);
    expect(states(gallery)).toEqual(['waiting', 'painting', 'painting', 'stopped']);
    gallery.stopAll();
    await until(() => states(gallery).every((state) => state === 'stopped'));
    expect(inits).toHaveLength(3);
  });

  it('says why there is no picture', async () => {
    fakeFetch(() => Response.json({ error: { message: 'the card is lost' } }, { status: 503 }));
    const gallery = new Gallery();
    gallery.add([REQUEST], undefined);
    await until(() => states(gallery)[0] === 'failed');
    expect(gallery.pictures.get()[0]?.error).toBe('the card is lost');
  });

  it('takes an answer that ended early for what it is', async () => {
    fakeFetch(() => eventStream(PREVIEW));
    const gallery = new Gallery();
    gallery.add([REQUEST], undefined);
    await until(() => states(gallery)[0] === 'failed');
    expect(gallery.pictures.get()[0]?.error).toBe('The answer ended without a picture.');
  });

  it('takes an answer that is no stream', async () => {
    fakeFetch(() => Response.json({ created: 1, data: [{ b64_json: PNG, seed: 9 }] }));
    const gallery = new Gallery();
    gallery.add([REQUEST], undefined);
    await until(() => states(gallery)[0] === 'done');
    expect(gallery.pictures.get()[0]?.seed).toBe(9);
  });

  it('paints again from the same start with another seed', async () => {
    const asked = fakeFetch(() => eventStream(PICTURE));
    const gallery = new Gallery();
    gallery.add([REQUEST], new Blob(['x']));
    await until(() => states(gallery)[0] === 'done');
    gallery.again(gallery.pictures.get()[0]!);
    await until(() => states(gallery)[0] === 'done');
    expect(asked.map(({ path }) => path)).toEqual(['/v1/images/edits', '/v1/images/edits']);
    expect(gallery.pictures.get()[0]!.request.seed).not.toBe(REQUEST.seed);
  });

  it('gives a removed picture\'s memory back', async () => {
    fakeFetch(() => eventStream(PICTURE));
    const gallery = new Gallery();
    gallery.add([REQUEST], undefined);
    await until(() => states(gallery)[0] === 'done');
    gallery.remove(gallery.pictures.get()[0]!.id);
    expect(urls.size).toBe(0);
    expect(gallery.pictures.get()).toEqual([]);
  });
});

describe('a request', () => {
  it('wants a prompt, and a seed that is a number or left out', () => {
    const draft = { ...EMPTY_DRAFT, prompt: 'an apple' };
    expect([draft, { ...draft, seed: ' 12 ' }, { ...draft, seed: '4294967295' }].map(isReady)).toEqual([true, true, true]);
    const wrong = ['-1', '1e3', '4294967296', 'x'].map((seed) => ({ ...draft, seed }));
    expect([EMPTY_DRAFT, { ...draft, prompt: ' ' }, ...wrong].map(isReady)).toEqual([false, false, false, false, false, false]);
  });

  it('has a seed, so that it can be painted again', () => {
    const request = toRequest({ ...EMPTY_DRAFT, prompt: ' an apple ' }, MODEL);
    expect(request).toMatchObject({ model: 'm', prompt: 'an apple', size: '512x512', steps: 4 });
    expect(Number.isInteger(request.seed) && request.seed >= 0 && request.seed < 2 ** 32).toBe(true);
    expect(request).not.toHaveProperty('strength');
    expect(request).not.toHaveProperty('negative_prompt');
  });

  it('has what was typed', () => {
    const source = { blob: new Blob([]), url: '' };
    const request = toRequest({ ...EMPTY_DRAFT, prompt: 'p', seed: '5', steps: '2', negative: 'fog', strength: 0.3, source }, MODEL);
    expect(request).toMatchObject({ seed: 5, steps: 2, negative_prompt: 'fog', cfg_scale: 1.5, strength: 0.3 });
  });

  it('has no steps that the model lacks, and none where the model does not say', () => {
    expect(chosenSteps({ ...EMPTY_DRAFT, steps: '3' }, MODEL)).toBe(4);
    expect(chosenSteps(EMPTY_DRAFT, { ...MODEL, steps: [1, 2, 4, 8, 50] })).toBe(4);
    expect(toRequest(EMPTY_DRAFT, { ...MODEL, steps: [], sizes: [] })).not.toHaveProperty('steps');
  });

  it('keeps away from something with guidance alone, as far as the model has any', () => {
    const draft = { ...EMPTY_DRAFT, negative: 'fog' };
    expect([EMPTY_DRAFT, draft, { ...draft, guidance: 1 }, { ...draft, guidance: 9 }].map((value) => chosenGuidance(value, MODEL))).toEqual([1, 1.5, 1, 2]);
    expect(toRequest({ ...draft, guidance: 1 }, MODEL)).not.toHaveProperty('negative_prompt');
    const without = toRequest(draft, { ...MODEL, guidanceMax: 1 });
    expect([without.cfg_scale, without.negative_prompt]).toEqual([undefined, undefined]);
  });

  it('makes a file name of letters and digits', () => {
    const picture = { id: 1, request: REQUEST, source: undefined, state: 'done', previews: 0, seed: 7 } as const;
    expect(fileName(picture)).toBe('a-red-apple-7.png');
    expect(fileName({ ...picture, request: { ...REQUEST, prompt: '../..' } })).toBe('picture-7.png');
  });
});

describe('cutting', () => {
  it('takes the middle', () => {
    expect(coverBox({ width: 400, height: 200 }, { width: 512, height: 512 })).toEqual({ x: 100, y: 0, width: 200, height: 200 });
    expect(coverBox({ width: 300, height: 800 }, { width: 768, height: 1024 })).toEqual({ x: 0, y: 200, width: 300, height: 400 });
  });

  it('makes pictures smaller, never larger', () => {
    expect(within({ width: 4000, height: 3000 }, 1024)).toEqual({ width: 1024, height: 768 });
    expect(within({ width: 10, height: 5 }, 1024)).toEqual({ width: 10, height: 5 });
  });
});
