import { describe, expect, it } from 'vitest';
import { EventDecoder, readEvents } from '../../src/api/sse';

const bytes = (text: string) => new TextEncoder().encode(text);

function stream(...pieces: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === 'string' ? bytes(piece) : piece);
      controller.close();
    },
  });
}

async function all(source: AsyncGenerator<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const item of source) found.push(item);
  return found;
}

describe('EventDecoder', () => {
  it('gives the same events however the bytes are cut', () => {
    const text = ': ping\r\n\r\ndata: {"a":"é🍎"}\r\n\r\nid: 7\ndata: one\ndata:two\n\ndata\n\n';
    const whole = bytes(text);
    const expected = ['{"a":"é🍎"}', 'one\ntwo', ''];
    for (let cut = 0; cut <= whole.length; ++cut) {
      const decoder = new EventDecoder();
      expect([...decoder.push(whole.slice(0, cut)), ...decoder.push(whole.slice(cut))]).toEqual(expected);
    }
    const decoder = new EventDecoder();
    expect([...whole].flatMap((byte) => decoder.push(Uint8Array.of(byte)))).toEqual(expected);
  });

  it('takes one space after the colon, no more', () => {
    expect(new EventDecoder().push(bytes('data:  x\n\n'))).toEqual([' x']);
  });

  it('holds an event back until its empty line', () => {
    const decoder = new EventDecoder();
    expect(decoder.push(bytes('data: x\n'))).toEqual([]);
    expect(decoder.push(bytes('\n'))).toEqual(['x']);
  });
});

describe('readEvents', () => {
  it('ends at [DONE], whatever follows', async () => {
    expect(await all(readEvents(stream('data: 1\n\n', 'data: [DONE]\n\ndata: 2\n\n')))).toEqual([1]);
  });

  it('ends with the stream, and drops an event that was cut off', async () => {
    expect(await all(readEvents(stream('data: {"a":1}\n\ndata: {"a"')))).toEqual([{ a: 1 }]);
  });

  it('throws for data that is no JSON', async () => {
    await expect(all(readEvents(stream('data: {\n\n')))).rejects.toThrow(SyntaxError);
  });

  it('closes the stream when its reader stops early', async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes('data: 1\n\n')),
      cancel: () => { cancelled = true; },
    });
    for await (const event of readEvents(endless)) {
      expect(event).toBe(1);
      break;
    }
    expect(cancelled).toBe(true);
  });
});
