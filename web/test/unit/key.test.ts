import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../../src/api/http';
import { currentKey, keyQuestion } from '../../src/state/key';
import { fakeFetch, fakeStorage, until } from './fetching';

const denied = () => Response.json({ error: { message: 'wanted a key' } }, { status: 401 });
const fine = () => Response.json({});
const authorization = (init: RequestInit) => new Headers(init.headers).get('Authorization');

beforeEach(() => vi.stubGlobal('sessionStorage', fakeStorage()));

describe('ask', () => {
  it('asks the person for a key, uses it and keeps it', async () => {
    const asked = fakeFetch(denied, fine);
    const answer = ask('/v1/models');
    await until(() => keyQuestion.get() !== undefined);
    expect(keyQuestion.get()?.message).toBe('wanted a key');
    keyQuestion.get()?.answer('secret');
    expect((await answer).ok).toBe(true);
    expect(asked.map(({ init }) => authorization(init))).toEqual([null, 'Bearer secret']);
    expect(currentKey()).toBe('secret');
    expect(keyQuestion.get()).toBeUndefined();
  });

  it('asks once for several requests', async () => {
    const asked = fakeFetch(denied, denied, fine);
    const answers = Promise.all([ask('/a'), ask('/b')]);
    await until(() => asked.length === 2 && keyQuestion.get() !== undefined);
    keyQuestion.get()?.answer('secret');
    await answers;
    expect(asked.length).toBe(4);
  });

  it('fails with the server\'s words when no key is given', async () => {
    fakeFetch(denied);
    const answer = ask('/v1/models');
    const failed = expect(answer).rejects.toMatchObject({ message: 'wanted a key', status: 401 });
    await until(() => keyQuestion.get() !== undefined);
    keyQuestion.get()?.answer(undefined);
    await failed;
  });

  it('tells when to come again', async () => {
    fakeFetch(() => Response.json({ error: { message: 'full' } }, { status: 429, headers: { 'Retry-After': '7' } }));
    await expect(ask('/x')).rejects.toMatchObject({ message: 'full', retryAfterSeconds: 7 });
  });

  it('has words for an answer without any', async () => {
    fakeFetch(() => new Response('<html>', { status: 502, statusText: 'Bad Gateway' }));
    await expect(ask('/x')).rejects.toThrow('The server answered 502 Bad Gateway.');
  });
});
