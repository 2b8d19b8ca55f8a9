import { explain, isAbort } from '../api/http';
import { paint, type PictureEvent, type PictureRequest } from '../api/pictures';
import { announce } from './announce';
import { Store } from './store';

export interface Picture {
  readonly id: number;
  readonly request: PictureRequest;
  readonly source: Blob | undefined;
  readonly state: 'waiting' | 'painting' | 'done' | 'failed' | 'stopped';
  /** The finished picture, or how it looks so far. */
  readonly url?: string;
  readonly blob?: Blob;
  readonly previews: number;
  readonly seed: number;
  readonly seconds?: number;
  readonly error?: string;
}

// Two, so that the card paints one picture while the other one's bytes are on their way; the rest wait here,
// because a browser opens few connections to one host and chat needs one as well.
const AT_ONCE = 2;
/** How many seeds there are. */
export const SEEDS = 2 ** 32;

export function randomSeed(): number {
  return Math.floor(Math.random() * SEEDS);
}

/** `count` requests that differ by their seed alone. */
export function fanOut(request: PictureRequest, count: number): PictureRequest[] {
  return Array.from({ length: count }, (_, i) => ({ ...request, seed: (request.seed + i) % SEEDS }));
}

/** A file name that says what the picture is of. */
export function fileName(picture: Picture): string {
  const words = picture.request.prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const extension = picture.blob?.type === 'image/jpeg' ? 'jpg' : picture.blob?.type === 'image/webp' ? 'webp' : 'png';
  return `${words.slice(0, 6).join('-').slice(0, 60) || 'picture'}-${picture.seed}.${extension}`;
}

export function isOpen(picture: Picture): boolean {
  return picture.state === 'waiting' || picture.state === 'painting';
}

/** The pictures of this visit, newest first, and those still to be painted. */
export class Gallery {
  readonly pictures = new Store<readonly Picture[]>([]);
  private readonly stoppers = new Map<number, AbortController>();
  private nextId = 1;

  add(requests: readonly PictureRequest[], source: Blob | undefined): void {
    const added = requests.map((request): Picture => ({
      id: this.nextId++,
      request,
      source,
      state: 'waiting',
      previews: 0,
      seed: request.seed,
    }));
    this.pictures.update((pictures) => [...added.reverse(), ...pictures]);
    this.startWaiting();
  }

  /** The same picture with another seed. */
  again(picture: Picture): void {
    this.add([{ ...picture.request, seed: randomSeed() }], picture.source);
  }

  stop(id: number): void {
    this.stoppers.get(id)?.abort();
    if (this.find(id)?.state === 'waiting') this.change(id, { state: 'stopped' });
  }

  stopAll(): void {
    for (const picture of this.pictures.get().filter(isOpen)) this.stop(picture.id);
  }

  remove(id: number): void {
    this.stop(id);
    const url = this.find(id)?.url;
    if (url !== undefined) URL.revokeObjectURL(url);
    this.pictures.update((pictures) => pictures.filter((picture) => picture.id !== id));
  }

  private find(id: number): Picture | undefined {
    return this.pictures.get().find((picture) => picture.id === id);
  }

  private change(id: number, changes: Partial<Picture>): void {
    this.pictures.update((pictures) => pictures.map((picture) => (picture.id === id ? { ...picture, ...changes } : picture)));
  }

  private startWaiting(): void {
    while (this.stoppers.size < AT_ONCE) {
      const next = this.pictures.get().findLast((picture) => picture.state === 'waiting');
      if (next === undefined) return;
      void this.run(next);
    }
  }

  private async run(picture: Picture): Promise<void> {
    const { id, request } = picture;
    const stopper = new AbortController();
    this.stoppers.set(id, stopper);
    this.change(id, { state: 'painting' });
    const start = performance.now();
    try {
      for await (const event of paint(request, picture.source, stopper.signal)) this.show(id, event, start);
      if (this.find(id)?.state === 'painting') this.fail(id, 'The answer ended without a picture.');
    } catch (error) {
      if (isAbort(error)) this.change(id, { state: 'stopped' });
      else this.fail(id, explain(error));
    } finally {
      this.stoppers.delete(id);
      this.startWaiting();
    }
  }

  private show(id: number, event: PictureEvent, start: number): void {
    const old = this.find(id);
    if (old === undefined) return;
    const blob = new Blob([event.bytes as BlobPart], { type: event.type });
    const url = URL.createObjectURL(blob);
    if (event.kind === 'preview') {
      this.change(id, { url, previews: old.previews + 1 });
    } else {
      const seconds = (performance.now() - start) / 1000;
      this.change(id, { url, blob, state: 'done', seconds, seed: event.seed ?? old.seed });
      announce(`The picture of ${old.request.prompt} is ready.`);
    }
    if (old.url !== undefined) URL.revokeObjectURL(old.url);
  }

  private fail(id: number, error: string): void {
    this.change(id, { state: 'failed', error });
    announce(`No picture: ${error}`);
  }
}
