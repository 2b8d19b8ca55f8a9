import { vi } from 'vitest';

/** Answers of `fetch`, in turn; what it was asked is kept. */
export function fakeFetch(...answers: (() => Response | Promise<Response>)[]) {
  const asked: { path: string; init: RequestInit }[] = [];
  const fake = vi.fn((path: string, init: RequestInit = {}) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push({ path, init });
    if (answer === undefined) throw new TypeError('fetch failed');
    return Promise.resolve(answer());
  });
  vi.stubGlobal('fetch', fake);
  return asked;
}

export function eventStream(...events: unknown[]): Response {
  const text = events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
  return new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });
}

/** A stream that stays open until the request is stopped. */
export function openStream(init: RequestInit, ...events: unknown[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const event of events) controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
      init.signal?.addEventListener('abort', () => controller.error(new DOMException('stopped', 'AbortError')));
    },
  });
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
}

export const chunk = (content: string) => ({ choices: [{ delta: { content } }] });

/** Web storage as a map. */
export function fakeStorage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() { return items.size; },
    clear: () => items.clear(),
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}

/** Waits for what comes true by itself, on however busy a machine. */
export function until(condition: () => boolean): Promise<unknown> {
  return vi.waitUntil(condition, { interval: 5, timeout: 50_000 });
}
