// Server-sent events as they come: bytes in any pieces in, the `data` of whole events out.
// Source: HTML standard, section 9.2 "Server-sent events".

/** Turns pieces of an event stream into the data of its events. Comments, names and ids are dropped. */
export class EventDecoder {
  private readonly decoder = new TextDecoder();
  private rest = '';
  private data: string[] = [];

  /** The data of the events that `bytes` completes, in order. */
  push(bytes: Uint8Array): string[] {
    return this.take(this.decoder.decode(bytes, { stream: true }));
  }

  private take(text: string): string[] {
    const events: string[] = [];
    this.rest += text;
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      // A CR at the end may be half of a CRLF.
      if (end < 0 || (this.rest[end] === '\r' && end + 1 === this.rest.length)) return events;
      const line = this.rest.slice(0, end);
      const width = this.rest.startsWith('\r\n', end) ? 2 : 1;
      this.rest = this.rest.slice(end + width);
      this.line(line, events);
    }
  }

  private line(line: string, events: string[]): void {
    if (line === '') {
      if (this.data.length > 0) events.push(this.data.join('\n'));
      this.data = [];
    } else if (line === 'data') {
      this.data.push('');
    } else if (line.startsWith('data:')) {
      this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
}

/** The JSON objects of an event stream, until "[DONE]" or its end. Throws SyntaxError for what is no JSON. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new EventDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const data of decoder.push(value)) {
        if (data === '[DONE]') return;
        yield JSON.parse(data);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
