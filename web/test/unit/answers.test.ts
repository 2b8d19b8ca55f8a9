import { describe, expect, it } from 'vitest';
import { parseChunk } from '../../src/api/chat';
import { mood, parseHealth } from '../../src/api/health';
import { ApiError, errorIn, explain, isAbort } from '../../src/api/http';
import { parseModels } from '../../src/api/models';
import { editForm, mediaType, mostPreviews, parsePictureEvent } from '../../src/api/pictures';
import { health, PICTURE_MODEL, TEXT_MODEL } from '../mock/scenes.mjs';

describe('parseChunk', () => {
  it('reads text, thoughts and the end', () => {
    expect(parseChunk({ choices: [{ delta: { content: 'Hi' }, finish_reason: null }] })).toEqual({ content: 'Hi' });
    expect(parseChunk({ choices: [{ delta: { reasoning_content: 'Hm' } }] })).toEqual({ reasoning: 'Hm' });
    expect(parseChunk({ choices: [{ delta: {}, finish_reason: 'length' }] })).toEqual({ finish: 'length' });
  });

  it('makes a speed of the last chunk', () => {
    const last = { choices: [], usage: { completion_tokens: 10 }, timings: { predicted_ms: 500 } };
    expect(parseChunk(last)).toEqual({ tokens: 10, tokensPerSecond: 20 });
  });

  it('throws what an error event says', () => {
    expect(() => parseChunk({ error: { message: 'the card is lost' } })).toThrow(new ApiError('the card is lost', 0));
  });

  it('makes nothing of what it does not know', () => {
    for (const odd of [null, 7, [], {}, { choices: {} }, { choices: [null] }, { choices: [{ delta: { content: 5 } }] }]) {
      expect(parseChunk(odd)).toEqual({});
    }
  });
});

describe('parsePictureEvent', () => {
  const PNG = btoa('\x89PNG');

  it('reads previews and the finished picture of both kinds', () => {
    for (const kind of ['image_generation', 'image_edit']) {
      const preview = parsePictureEvent({ type: `${kind}.partial_image`, b64_json: PNG, partial_image_index: 2 });
      expect(preview).toMatchObject({ kind: 'preview', index: 2, type: 'image/png' });
      expect(parsePictureEvent({ type: `${kind}.completed`, b64_json: PNG, seed: 7 })).toMatchObject({ kind: 'picture', seed: 7 });
    }
  });

  it('says that there was no seed', () => {
    expect(parsePictureEvent({ type: 'image_edit.completed', b64_json: PNG })).toMatchObject({ seed: undefined });
  });

  it('throws what an error event says, and passes over what it does not know', () => {
    expect(() => parsePictureEvent({ error: { message: 'no' } })).toThrow('no');
    expect(parsePictureEvent({ type: 'image_generation.progress' })).toBeUndefined();
    expect(parsePictureEvent('x')).toBeUndefined();
  });

  it('are as many as the steps between the first and the last, three at most', () => {
    const request = { model: 'm', prompt: 'p', seed: 1 };
    expect([1, 2, 4, 50].map((steps) => mostPreviews({ ...request, steps }))).toEqual([0, 1, 3, 3]);
    expect(mostPreviews({ ...request, steps: 4, strength: 0.5 })).toBe(1);
    expect(mostPreviews(request)).toBeUndefined();
  });

  it('knows a picture by its bytes', () => {
    expect(mediaType(Uint8Array.of(0xff, 0xd8, 0xff))).toBe('image/jpeg');
    expect(mediaType(new TextEncoder().encode('RIFF....WEBP'))).toBe('image/webp');
  });
});

describe('editForm', () => {
  it('has all fields as text, and the picture as a file', () => {
    const form = editForm({ model: 'm', prompt: 'p', seed: 3, strength: 0.5 }, new Blob(['x'], { type: 'image/png' }));
    const texts = [...form].filter(([name]) => name !== 'image');
    expect(Object.fromEntries(texts)).toEqual({ model: 'm', prompt: 'p', seed: '3', strength: '0.5', stream: 'true', partial_images: '3' });
    expect(form.get('image')).toBeInstanceOf(Blob);
  });
});

describe('parseModels', () => {
  it('tells models that paint from models that chat', () => {
    const models = parseModels({ data: [TEXT_MODEL, PICTURE_MODEL] });
    expect(models.text).toEqual([{ kind: 'text', id: TEXT_MODEL.id, contextTokens: 2047, sampling: { temperature: 0.2, top_p: 0.9 } }]);
    expect(models.pictures).toEqual([{ kind: 'picture', id: PICTURE_MODEL.id, sizes: [{ width: 256, height: 256 }], steps: [1, 2, 4], defaultSteps: 4, guidanceMax: 2, edits: true }]);
  });

  it('goes by the context where a model does not say its kind', () => {
    const models = parseModels({ data: [{ id: 'a', max_model_len: 1 }, { id: 'b' }] });
    expect(models.text.map((model) => model.id)).toEqual(['a']);
    expect(models.pictures.map((model) => model.id)).toEqual(['b']);
  });

  it('take what the makers of a model advise, and a usual temperature where they advise none', () => {
    const advice = [{ temperature: 0, top_k: 20 }, {}, undefined, { temperature: 'x', top_p: null }];
    const models = parseModels({ data: advice.map((sampling) => ({ id: 'm', max_model_len: 1, sampling })) });
    const usual = { temperature: 0.7 };
    expect(models.text.map((model) => model.sampling)).toEqual([{ temperature: 0, top_k: 20 }, usual, usual, usual]);
  });

  it('passes over what is no model', () => {
    expect(parseModels({ data: [null, 3, {}, { id: 4 }] })).toEqual({ text: [], pictures: [] });
    expect(parseModels(undefined)).toEqual({ text: [], pictures: [] });
  });
});

describe('parseHealth', () => {
  it('reads a whole answer', () => {
    const found = parseHealth(health({ models: [TEXT_MODEL], queued: 2 }));
    expect(found).toMatchObject({ ready: true, softwareCard: true, temperatureCelsius: 47.5, soc: 'AX650N' });
    expect(found.memory).toEqual({ total: 7381975040, free: 5234491392 });
    expect(found.models[0]).toMatchObject({ name: TEXT_MODEL.id, state: 'loaded', contextTokens: 2047 });
    expect(found.jobs).toMatchObject({ queued: 2, waitMs: 5400 });
    expect(mood(found)).toBe('good');
  });

  it('tells what a model that paints can do, and what it has to do', () => {
    const found = parseHealth(health({ models: [PICTURE_MODEL, TEXT_MODEL], queued: 3, running: 2 }));
    expect(found.models[0]).toMatchObject({ sizes: ['256x256'], steps: [1, 2, 4], cardBytes: 36864000, queued: 3, running: 2 });
    expect(found.models[1]).toMatchObject({ sizes: [], steps: [], queued: 0, running: 0 });
  });

  it('knows a real card, and does not guess before one has answered', () => {
    expect(parseHealth(health({ models: [], software: false })).softwareCard).toBe(false);
    expect(parseHealth({ card: { state: 'starting' } }).softwareCard).toBeUndefined();
  });

  it('says of a lost card what went wrong', () => {
    const lost = parseHealth(health({ models: [], state: 'lost' }));
    expect(mood(lost)).toBe('bad');
    expect(lost.errors[0]?.message).toContain('did not answer');
    expect(mood(parseHealth(health({ models: [], state: 'loading' })))).toBe('busy');
  });

  it('survives any JSON', () => {
    for (const odd of [null, [], 'x', { card: 5, models: {}, jobs: [] }, { models: [null] }]) {
      expect(parseHealth(odd)).toMatchObject({ ready: false, memory: undefined });
    }
  });
});

describe('errors', () => {
  it('come in words for a person', () => {
    expect(errorIn({ error: { message: 'm' } })).toBe('m');
    expect(errorIn({ error: 'as Ollama writes it' })).toBe('as Ollama writes it');
    expect(errorIn({ data: [] })).toBeUndefined();
    expect(explain(new ApiError('The queue is full.', 429, 7))).toBe('The queue is full. Try again in 7 s.');
    expect(explain(new TypeError('fetch failed'))).toContain('cannot be reached');
    expect(isAbort(new DOMException('', 'AbortError'))).toBe(true);
  });
});
