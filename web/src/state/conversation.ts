import { streamChat, type ChatDelta, type ChatRequest, type ChatTurn } from '../api/chat';
import { fields, list, text } from '../api/fields';
import { explain, isAbort } from '../api/http';
import type { Sampling } from '../api/models';
import { announce, wholeSentences } from './announce';
import { session } from './storage';
import { Store } from './store';

export interface Question {
  readonly role: 'user';
  readonly content: string;
}

export interface Answer {
  readonly role: 'assistant';
  readonly content: string;
  readonly reasoning: string;
  readonly state: 'writing' | 'done' | 'stopped' | 'failed';
  readonly error?: string;
  readonly finish?: string;
  readonly tokens?: number;
  readonly tokensPerSecond?: number;
}

export type Message = Question | Answer;

export interface ChatOptions {
  readonly model: string;
  readonly system: string;
  /** What the model's makers advise. */
  readonly sampling: Sampling;
  /** Instead of theirs. */
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
}

const NAME = 'axle.chat';
const NEW_ANSWER: Answer = { role: 'assistant', content: '', reasoning: '', state: 'writing' };

/** `answer` with what an event adds to it. */
export function extend(answer: Answer, delta: ChatDelta): Answer {
  const { content = '', reasoning = '', ...facts } = delta;
  return { ...answer, ...facts, content: answer.content + content, reasoning: answer.reasoning + reasoning };
}

/** What the server is asked: answers that broke off before their first word are left out. */
export function toTurns(messages: readonly Message[], system: string): ChatTurn[] {
  const turns: ChatTurn[] = system.trim() === '' ? [] : [{ role: 'system', content: system.trim() }];
  for (const message of messages) {
    if (message.role === 'user' || message.content !== '') turns.push({ role: message.role, content: message.content });
  }
  return turns;
}

/** The messages that an earlier visit of this tab kept. */
export function parseKept(json: string | undefined): Message[] {
  let kept: unknown;
  try {
    kept = JSON.parse(json ?? '[]');
  } catch {
    return [];
  }
  return list(kept).flatMap((item): Message[] => {
    const message = fields(item);
    const content = text(message['content']) ?? '';
    if (message['role'] === 'user') return [{ role: 'user', content }];
    if (message['role'] !== 'assistant') return [];
    return [{ role: 'assistant', content, reasoning: text(message['reasoning']) ?? '', state: 'done' }];
  });
}

/** One conversation and the answer that is being written, if any. */
export class Conversation {
  readonly messages: Store<readonly Message[]>;
  readonly writing = new Store(false);
  private stopper: AbortController | undefined;

  constructor() {
    this.messages = new Store<readonly Message[]>(parseKept(session.read(NAME)));
  }

  async send(content: string, options: ChatOptions): Promise<void> {
    if (this.writing.get()) return;
    this.messages.update((messages) => [...messages, { role: 'user', content }]);
    await this.answer(options);
  }

  /** Answers the last question again. */
  async again(options: ChatOptions): Promise<void> {
    if (this.writing.get()) return;
    const messages = this.messages.get();
    const last = messages.findLastIndex((message) => message.role === 'user');
    if (last < 0) return;
    this.messages.set(messages.slice(0, last + 1));
    await this.answer(options);
  }

  stop(): void {
    this.stopper?.abort();
  }

  clear(): void {
    this.stop();
    this.messages.set([]);
    session.remove(NAME);
  }

  private async answer(options: ChatOptions): Promise<void> {
    const stopper = new AbortController();
    this.stopper = stopper;
    this.writing.set(true);
    const request: ChatRequest = {
      model: options.model,
      messages: toTurns(this.messages.get(), options.system),
      ...options.sampling,
      ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
      ...(options.maxTokens === undefined ? {} : { max_completion_tokens: options.maxTokens }),
    };
    let answer = NEW_ANSWER;
    const base = this.messages.get();
    const show = (changed: Answer) => {
      answer = changed;
      // After clear() there is nothing to show it in.
      if (!stopper.signal.aborted || this.messages.get().length > base.length) this.messages.set([...base, answer]);
    };
    show(answer);
    try {
      await this.read(request, stopper.signal, () => answer, show);
      show({ ...answer, state: 'done' });
    } catch (error) {
      show(isAbort(error) ? { ...answer, state: 'stopped' } : { ...answer, state: 'failed', error: explain(error) });
      announce(isAbort(error) ? 'Stopped.' : explain(error));
    } finally {
      if (this.stopper === stopper) this.stopper = undefined;
      this.writing.set(false);
      session.write(NAME, JSON.stringify(this.messages.get()));
    }
  }

  private async read(
    request: ChatRequest,
    signal: AbortSignal,
    answer: () => Answer,
    show: (answer: Answer) => void,
  ): Promise<void> {
    let announced = 0;
    for await (const delta of streamChat(request, signal)) {
      show(extend(answer(), delta));
      const { said, upTo } = wholeSentences(answer().content, announced);
      if (said !== '') announce(said);
      announced = upTo;
    }
    announce(answer().content.slice(announced));
  }
}
