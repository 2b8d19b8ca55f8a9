import { beforeEach, describe, expect, it, vi } from 'vitest';
import { wholeSentences } from '../../src/state/announce';
import { Conversation, extend, parseKept, toTurns, type Answer, type ChatOptions } from '../../src/state/conversation';
import { chunk, eventStream, fakeFetch, fakeStorage, openStream, until } from './fetching';

const OPTIONS: ChatOptions = { model: 'm', system: '', sampling: { temperature: 0.7, top_p: 0.9 }, temperature: undefined, maxTokens: undefined };
const ANSWER: Answer = { role: 'assistant', content: 'A', reasoning: '', state: 'done' };

beforeEach(() => vi.stubGlobal('sessionStorage', fakeStorage()));

function bodyOf(init: RequestInit): Record<string, unknown> {
  return JSON.parse(String(init.body)) as Record<string, unknown>;
}

describe('Conversation', () => {
  it('streams an answer and asks with all that was said before', async () => {
    const asked = fakeFetch(() => eventStream(chunk('Hel'), chunk('lo'), '[DONE]'));
    const conversation = new Conversation();
    await conversation.send('Hi', { ...OPTIONS, system: 'Be kind', temperature: 0.5, maxTokens: 9 });
    await conversation.send('And?', OPTIONS);
    expect(conversation.messages.get().map((message) => message.content)).toEqual(['Hi', 'Hello', 'And?', 'Hello']);
    expect(bodyOf(asked[0]!.init)).toMatchObject({ model: 'm', stream: true, temperature: 0.5, max_completion_tokens: 9 });
    expect(bodyOf(asked[0]!.init)['messages']).toEqual([{ role: 'system', content: 'Be kind' }, { role: 'user', content: 'Hi' }]);
    expect(bodyOf(asked[1]!.init)['messages']).toHaveLength(3);
    expect(bodyOf(asked[1]!.init)).toMatchObject({ temperature: 0.7, top_p: 0.9 });
  });

  it('keeps what was written when it is stopped', async () => {
    let init: RequestInit = {};
    vi.stubGlobal('fetch', (_: string, given: RequestInit) => {
      init = given;
      return Promise.resolve(openStream(given, chunk('Once upon')));
    });
    const conversation = new Conversation();
    const sent = conversation.send('A story', OPTIONS);
    await until(() => conversation.messages.get()[1]?.content === 'Once upon');
    conversation.stop();
    await sent;
    expect(conversation.messages.get()[1]).toMatchObject({ content: 'Once upon', state: 'stopped' });
    expect(init.signal?.aborted).toBe(true);
    expect(conversation.writing.get()).toBe(false);
  });

  it('says in the answer why there is none', async () => {
    fakeFetch(() => Response.json({ error: { message: 'The queue is full.' } }, { status: 429 }));
    const conversation = new Conversation();
    await conversation.send('Hi', OPTIONS);
    expect(conversation.messages.get()[1]).toMatchObject({ state: 'failed', error: 'The queue is full.' });
  });

  it('answers the last question again, in the place of the old answer', async () => {
    fakeFetch(() => eventStream(chunk('one')), () => eventStream(chunk('two')));
    const conversation = new Conversation();
    await conversation.send('Hi', OPTIONS);
    await conversation.again(OPTIONS);
    expect(conversation.messages.get().map((message) => message.content)).toEqual(['Hi', 'two']);
  });

  it('is there again after the page was loaded anew, until it is cleared', async () => {
    fakeFetch(() => eventStream(chunk('Hello')));
    const conversation = new Conversation();
    await conversation.send('Hi', OPTIONS);
    expect(new Conversation().messages.get()).toHaveLength(2);
    conversation.clear();
    expect(new Conversation().messages.get()).toEqual([]);
  });

  it('stays empty when it is cleared in the middle of an answer', async () => {
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => Promise.resolve(openStream(init, chunk('x'))));
    const conversation = new Conversation();
    const sent = conversation.send('Hi', OPTIONS);
    await until(() => conversation.messages.get()[1]?.content === 'x');
    conversation.clear();
    await sent;
    expect(conversation.messages.get()).toEqual([]);
  });
});

describe('the parts of a conversation', () => {
  it('add events to an answer', () => {
    expect(extend(ANSWER, { content: 'B', tokens: 2 })).toEqual({ ...ANSWER, content: 'AB', tokens: 2 });
  });

  it('leave answers without a word out of what is asked', () => {
    expect(toTurns([{ role: 'user', content: 'q' }, { ...ANSWER, content: '' }], ' ')).toEqual([{ role: 'user', content: 'q' }]);
  });

  it('are not taken from storage that holds something else', () => {
    for (const odd of [undefined, '', '{', '{}', '[1,null,{"role":"x"}]']) expect(parseKept(odd)).toEqual([]);
  });
});

describe('wholeSentences', () => {
  it('says a sentence when it is complete, once', () => {
    const first = wholeSentences('One. Tw', 0);
    expect(first).toEqual({ said: 'One.', upTo: 4 });
    expect(wholeSentences('One. Two! Three', first.upTo)).toEqual({ said: 'Two!', upTo: 9 });
  });

  it('does not take the point in a number for an end', () => {
    expect(wholeSentences('It is 3.5', 0).said).toBe('');
  });
});
