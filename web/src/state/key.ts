import { session } from './storage';
import { Store } from './store';

const NAME = 'axle.key';

export interface KeyQuestion {
  readonly message: string;
  /** The person's answer; undefined when they give none. */
  readonly answer: (key: string | undefined) => void;
}

/** What the key dialog asks at the moment. */
export const keyQuestion = new Store<KeyQuestion | undefined>(undefined);

let pending: Promise<string | undefined> | undefined;

/** The key of this browser tab. */
export function currentKey(): string | undefined {
  return session.read(NAME);
}

/**
 * A key other than `tried`: one that another request was given meanwhile, or what the person answers.
 * However many requests ask at once, there is one question.
 */
export function askForKey(message: string, tried: string | undefined): Promise<string | undefined> {
  const known = currentKey();
  if (known !== undefined && known !== tried) return Promise.resolve(known);
  pending ??= new Promise<string | undefined>((resolve) => {
    keyQuestion.set({ message, answer: resolve });
  }).then((key) => {
    pending = undefined;
    keyQuestion.set(undefined);
    if (key === undefined) session.remove(NAME);
    else session.write(NAME, key);
    return key;
  });
  return pending;
}
