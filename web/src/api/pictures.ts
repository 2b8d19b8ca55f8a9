import { fields, list, number, text } from './fields';
import { ApiError, ask, errorIn, postJson } from './http';
import { readEvents } from './sse';

/** Previews that a stream is asked for: OpenAI's largest number. */
const PARTIAL_IMAGES = 3;

export interface PictureRequest {
  readonly model: string;
  readonly prompt: string;
  readonly seed: number;
  readonly size?: string;
  readonly steps?: number;
  /** Guidance: above 1 it keeps to the prompt, and away from `negative_prompt`, at twice the price of a step. */
  readonly cfg_scale?: number;
  readonly negative_prompt?: string;
  /** Only with a picture to start from: 0 keeps it, 1 forgets it. */
  readonly strength?: number;
}

/** How many previews a request brings at most: one fewer than it has steps. Nothing where it leaves them open. */
export function mostPreviews({ steps, strength = 1 }: PictureRequest): number | undefined {
  return steps === undefined ? undefined : Math.min(PARTIAL_IMAGES, Math.max(1, Math.round(steps * strength)) - 1);
}

export type PictureEvent =
  | { readonly kind: 'preview'; readonly index: number; readonly bytes: Uint8Array; readonly type: string }
  | { readonly kind: 'picture'; readonly bytes: Uint8Array; readonly type: string; readonly seed: number | undefined };

export function decodeBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The media type that the first bytes say. */
export function mediaType(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'image/jpeg';
  if (bytes[0] === 0x52 && bytes[1] === 0x49 && bytes[8] === 0x57) return 'image/webp'; // "RIFF....W"
  return 'image/png';
}

function finished(value: unknown): PictureEvent | undefined {
  const data = fields(value);
  const base64 = text(data['b64_json']);
  if (base64 === undefined) return undefined;
  const bytes = decodeBase64(base64);
  return { kind: 'picture', bytes, type: mediaType(bytes), seed: number(data['seed']) };
}

/**
 * The meaning of one event of image_generation or image_edit; nothing for kinds that are not known.
 * Throws ApiError for an error event.
 */
export function parsePictureEvent(event: unknown): PictureEvent | undefined {
  const error = errorIn(event);
  if (error !== undefined) throw new ApiError(error, 0);
  const data = fields(event);
  const type = text(data['type']) ?? '';
  if (type.endsWith('.completed')) return finished(event);
  const base64 = text(data['b64_json']);
  if (!type.endsWith('.partial_image') || base64 === undefined) return undefined;
  const bytes = decodeBase64(base64);
  return { kind: 'preview', index: number(data['partial_image_index']) ?? 0, bytes, type: mediaType(bytes) };
}

/** The body of POST /v1/images/edits. */
export function editForm(request: PictureRequest, source: Blob): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(request)) form.set(name, String(value));
  form.set('stream', 'true');
  form.set('partial_images', String(PARTIAL_IMAGES));
  form.set('image', source, 'source.png');
  return form;
}

function post(request: PictureRequest, source: Blob | undefined, signal: AbortSignal): Promise<Response> {
  if (source !== undefined) return ask('/v1/images/edits', { method: 'POST', body: editForm(request, source), signal });
  const body = { ...request, n: 1, stream: true, partial_images: PARTIAL_IMAGES };
  return ask('/v1/images/generations', postJson(body, signal));
}

/** Paints one picture, from `source` where there is one. Throws as `ask` does. */
export async function* paint(
  request: PictureRequest,
  source: Blob | undefined,
  signal: AbortSignal,
): AsyncGenerator<PictureEvent> {
  const response = await post(request, source, signal);
  if (!(response.headers.get('Content-Type') ?? '').includes('text/event-stream')) {
    const picture = finished(list(fields(await response.json())['data'])[0]);
    if (picture !== undefined) yield picture;
    return;
  }
  if (response.body === null) throw new ApiError('The server sent an empty answer.', response.status);
  for await (const event of readEvents(response.body)) {
    const known = parsePictureEvent(event);
    if (known !== undefined) yield known;
  }
}
