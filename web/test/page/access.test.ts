import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, serve, visit, type Mock } from './browser';

// Rules of the Web Content Accessibility Guidelines 2.2, levels A and AA, as axe-core names them.
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser.close());

/** Each fault as the rule it breaks and the first place where it does. */
async function faults(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate((values) => (globalThis as unknown as { axe: typeof axe }).axe.run({ runOnly: { type: 'tag', values } }), RULES);
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''} ${nodes[0]?.failureSummary ?? ''}`);
}

interface View {
  readonly path: string;
  readonly options?: Record<string, unknown>;
  readonly prepare: (page: Page, mock: Mock) => Promise<unknown>;
}

async function ask(page: Page): Promise<void> {
  await page.getByLabel('Message').fill('Hi');
  await page.keyboard.press('Enter');
}

async function paint(page: Page): Promise<void> {
  await page.getByLabel('What shall it be?').fill('a cat');
  await page.keyboard.press('Enter');
}

const VIEWS: Readonly<Record<string, View>> = {
  'the empty chat with its options': {
    path: '/',
    prepare: (page) => page.getByRole('button', { name: 'Options' }).click(),
  },
  'an answer with thoughts': {
    path: '/',
    options: { reasoning: 'The person greets.' },
    prepare: async (page) => { await ask(page); await page.getByText('tokens/s').waitFor(); },
  },
  'a refused question': {
    path: '/',
    options: { busy: true },
    prepare: async (page) => { await ask(page); await page.getByRole('alert').waitFor(); },
  },
  'pictures: one that is painted, one that is done': {
    path: '/#/pictures',
    prepare: async (page, mock) => {
      await paint(page);
      await page.locator('.tile.done').waitFor();
      mock.options['holdAfter'] = 1;
      await paint(page);
      await page.getByText('Preview 1').waitFor();
    },
  },
  'pictures: one that failed': {
    path: '/#/pictures',
    options: { failPictures: 'The card is lost.' },
    prepare: async (page) => { await paint(page); await page.locator('.tile.failed').waitFor(); },
  },
  'a picture, large': {
    path: '/#/pictures',
    prepare: async (page) => { await paint(page); await page.locator('button.face').click(); await page.locator('.viewer-facts').waitFor(); },
  },
  'a card that is well': { path: '/#/card', prepare: (page) => page.getByText('48 °C').waitFor() },
  'a card that is lost': {
    path: '/#/card',
    options: { health: { software: false, state: 'lost' } },
    prepare: (page) => page.getByRole('heading', { name: 'What went wrong' }).waitFor(),
  },
  'the question for a key': { path: '/', options: { key: 'k' }, prepare: (page) => page.locator('input[type=password]').waitFor() },
  'a server without models': { path: '/', options: { models: [] }, prepare: (page) => page.getByText('There is no language model').waitFor() },
};

describe('in light and dark colours', () => {
  it.each(Object.entries(VIEWS))('everybody can use %s', async (_, { path, options, prepare }) => {
    const mock = await serve(options);
    const { page, end } = await visit(browser, mock, path, { reducedMotion: 'reduce' });
    try {
      await prepare(page, mock);
      await page.evaluate(axe.source);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await faults(page), colorScheme).toEqual([]);
      }
    } finally {
      await end();
      await mock.close();
    }
  });
});
