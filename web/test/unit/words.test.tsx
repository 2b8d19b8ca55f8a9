import { describe, expect, it } from 'vitest';
import { bytesText, choiceText, spanText, withoutFolders } from '../../src/card/format';
import { outcome } from '../../src/chat/message_view';
import { safeHref } from '../../src/parts/markdown';
import { parseRoute } from '../../src/state/route';
import { Store } from '../../src/state/store';
import { nextTheme, parseTheme } from '../../src/state/theme';

describe('words for numbers', () => {
  it('are short', () => {
    expect([0, 900, 201326592, 7381975040].map(bytesText)).toEqual(['0 KiB', '1 KiB', '192 MiB', '6.9 GiB']);
    expect([-5, 59, 60, 8100, 90000].map(spanText)).toEqual(['0 s', '59 s', '1 min', '2 h 15 min', '1 d 1 h']);
  });

  it('name what there is to choose from', () => {
    expect([[], [4], [1, 2, 4]].map(choiceText)).toEqual(['', '4', '1, 2 or 4']);
    expect(choiceText([1, 2, 3, 4, 5, 6, 50])).toBe('1 to 50');
  });

  it('name files without their folders', () => {
    expect(withoutFolders('software card V3 at /usr/lib/axle/libaxcl_rt.so (because a/b)')).toBe('software card V3 at libaxcl_rt.so (because a/b)');
    expect(withoutFolders('/usr/lib/axcl/libaxcl_rt.so')).toBe('libaxcl_rt.so');
  });

  it('say how an answer ended', () => {
    const answer = { role: 'assistant', content: '', reasoning: '', state: 'stopped', tokens: 3, tokensPerSecond: 14.26 } as const;
    expect(outcome(answer)).toBe('stopped · 3 tokens · 14.3 tokens/s');
    expect(outcome({ ...answer, state: 'done', finish: 'length' })).toContain('cut off at the longest length');
  });
});

describe('a link', () => {
  it('leads to the web or a mailbox only', () => {
    expect(safeHref('https://example.org/a')).toBe('https://example.org/a');
    expect(safeHref('mailto:a@example.org')).toBe('mailto:a@example.org');
    for (const bad of ['javascript:alert(1)', ' JavaScript:x', 'data:text/html,x', 'vbscript:x', '//host', '/v1', 'java\nscript:x']) {
      expect(safeHref(bad)).toBeUndefined();
    }
  });
});

describe('a route', () => {
  it('is one of the pages, the chat where it is none', () => {
    expect(['#/pictures', '#pictures', '#/card', '', '#/x', '#/__proto__'].map(parseRoute)).toEqual(['pictures', 'pictures', 'card', 'chat', 'chat', 'chat']);
  });
});

describe('a theme', () => {
  it('goes round, and follows the system where nothing was chosen', () => {
    expect(nextTheme(nextTheme(nextTheme('system')))).toBe('system');
    expect([undefined, 'dark', 'pink'].map(parseTheme)).toEqual(['system', 'dark', 'system']);
  });
});

describe('a store', () => {
  it('tells changes, not repetitions, until one stops listening', () => {
    const store = new Store(1);
    let calls = 0;
    const end = store.subscribe(() => { calls += 1; });
    store.set(1);
    store.update((value) => value + 1);
    end();
    store.set(5);
    expect([calls, store.get()]).toEqual([1, 5]);
  });
});
