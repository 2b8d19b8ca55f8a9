import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { paintLandscape } from '../mock/painting.mjs';
import { POLICY } from '../mock/server.mjs';
import { MODEL, startChatting, startPainting, type Axle } from './axle';
import { launch, visit, type Visit } from './browser';

const KEY = 'a-key-of-the-test';
let browser: Browser;
let axle: Axle;
let open: Visit | undefined;

afterEach(async () => {
  await open?.end();
  open = undefined;
});

describe('the server', () => {
  beforeAll(async () => {
    [browser, axle] = await Promise.all([launch(), startChatting()]);
  });
  afterAll(() => Promise.all([browser?.close(), axle?.stop()]));

  it('gives browsers the page under the policy that the other tests hold it to, and programs a line', async () => {
    const page = await fetch(axle.url, { headers: { Accept: 'text/html' } });
    expect(page.headers.get('Content-Security-Policy')).toBe(POLICY);
    expect(page.headers.get('Content-Encoding')).toBe('gzip');
    expect(await page.text()).toContain('<div id="app">');
    const etag = page.headers.get('ETag') ?? '';
    expect((await fetch(axle.url, { headers: { Accept: 'text/html', 'If-None-Match': etag } })).status).toBe(304);
    expect(await (await fetch(axle.url)).text()).toMatch(/^axle .* is running\. /);
  });

  it('chats with the page: the answer comes in tokens, with its speed', async () => {
    open = await visit(browser, axle);
    const { page } = open;
    await page.getByText(MODEL).first().waitFor();
    await page.getByRole('button', { name: 'Options' }).click();
    await page.getByLabel('Longest answer').fill('12');
    await page.getByLabel('Temperature').fill('0');
    await page.getByLabel('Message').fill('Count from one to fifty.');
    await page.keyboard.press('Enter');
    await page.locator('.outcome').getByText(/cut off at the longest length · 12 tokens · [\d.]+ tokens\/s/).waitFor();
    expect((await page.locator('.answer .markdown').innerText()).length).toBeGreaterThan(5);
    expect(open.complaints).toEqual([]);
    expect(open.strays).toEqual([]);
  });

  it('stops writing when the page is told to stop', async () => {
    open = await visit(browser, axle);
    const { page } = open;
    await page.getByLabel('Message').fill('Write a very long story about a ship.');
    await page.keyboard.press('Enter');
    await page.locator('.answer .markdown p').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.outcome').getByText('stopped').waitFor();
    await expect.poll(async () => (await axle.health()).jobs).toMatchObject({ running: 0, queued: 0, cancelled: 1 });
  });

  it('shows its own words where it refuses a request', async () => {
    open = await visit(browser, axle);
    const { page } = open;
    await page.getByRole('button', { name: 'Options' }).click();
    await page.getByLabel('Temperature').fill('9');
    await page.getByLabel('Message').fill('Hi');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText(/temperature/).waitFor();
  });

  it('tells what its card is, and that it has no picture model', async () => {
    open = await visit(browser, axle, '/#/card');
    const { page } = open;
    await page.getByRole('heading', { name: 'Software card' }).waitFor();
    await page.locator('.models').getByText(MODEL).waitFor();
    await page.getByRole('heading', { name: 'Memory' }).waitFor();
    await page.goto(`${axle.url}/#/pictures`);
    await page.getByRole('heading', { name: 'There is no picture model here' }).waitFor();
    expect(open.complaints).toEqual([]);
  });
});

describe('a server with keys', () => {
  beforeAll(async () => {
    [browser, axle] = await Promise.all([launch(), startChatting('--api-key', KEY)]);
  });
  afterAll(() => Promise.all([browser?.close(), axle?.stop()]));

  it('gives the page without one, which then asks for it', async () => {
    open = await visit(browser, axle);
    const { page } = open;
    await page.locator('input[type=password]').fill(KEY);
    await page.keyboard.press('Enter');
    await page.getByText(MODEL).first().waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('axle.key'))).toBe(KEY);
  });
});

describe('a server with a picture model', () => {
  beforeAll(async () => {
    [browser, axle] = await Promise.all([launch(), startPainting()]);
  });
  afterAll(() => Promise.all([browser?.close(), axle?.stop()]));

  async function paint(page: Page, prompt: string): Promise<void> {
    await page.getByLabel('What shall it be?').fill(prompt);
    await page.keyboard.press('Enter');
  }

  it('paints with the page: a picture of the model\'s size, with the seed that was asked for', async () => {
    open = await visit(browser, axle, '/#/pictures');
    const { page } = open;
    await page.getByLabel('Seed', { exact: true }).fill('12');
    await page.getByLabel('What to keep away from').fill('fog');
    await paint(page, 'a lighthouse');
    await page.locator('.tile.done').getByText('Seed 12').waitFor();
    expect(await page.locator('.tile img').evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(512);
    expect(open.complaints).toEqual([]);
    expect(open.strays).toEqual([]);
  });

  it('paints over a picture that is chosen', async () => {
    open = await visit(browser, axle, '/#/pictures');
    const { page } = open;
    await page.locator('input[type=file]').first().setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: paintLandscape(1, 64, 32) });
    await page.getByRole('button', { name: 'Paint over it' }).waitFor();
    await paint(page, 'a lighthouse');
    await page.locator('.tile.done').waitFor();
    await page.locator('button.face').click();
    await page.getByText('changed 75 %').waitFor();
    expect(open.complaints).toEqual([]);
  });

  it('has no model for the chat, and the page says so', async () => {
    open = await visit(browser, axle);
    await open.page.getByText('only ones for pictures').waitFor();
  });
});
