// npm run screenshots FOLDER [URL]: builds the page and draws how it looks, on a phone and on a desk, light and dark;
// with a URL how the page of that server looks, which must have a model for chat and one for pictures.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launch, serve, visit, type Mock } from './browser';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;
const VIEWS = { welcome: 'chat', chat: 'chat', pictures: 'pictures', viewer: 'pictures', card: 'card' } as const;
type View = keyof typeof VIEWS;
const PROMPTS = {
  standIn: ['a quiet valley at dawn', 'hills under a green sky', 'the sea at the end of summer', 'a red desert', 'evening in the mountains', 'a lake before the storm'],
  real: ['slice of pizza', 'sailboat', 'blue butterfly', 'cherry blossom', 'tiger face', 'red apple'],
} as const;

async function chatPage(page: Page): Promise<void> {
  await page.getByLabel('Message').fill('What is an NPU?');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('tokens/s').waitFor();
}

async function paint(page: Page, prompt: string): Promise<void> {
  await page.getByLabel('What shall it be?').fill(prompt);
  await page.getByRole('button', { name: 'Paint', exact: true }).click();
}

// A gallery; before the stand-in, which waits, the newest picture is not yet done.
async function picturesPage(page: Page, mock: Mock | undefined): Promise<void> {
  const prompts = PROMPTS[mock === undefined ? 'real' : 'standIn'];
  for (const prompt of prompts.slice(0, -1)) await paint(page, prompt);
  await page.waitForFunction((count) => document.querySelectorAll('.tile.done').length === count, prompts.length - 1);
  if (mock !== undefined) mock.options['holdAfter'] = 2;
  await paint(page, prompts.at(-1)!);
  await (mock === undefined ? page.locator('.tile.done').nth(prompts.length - 1) : page.getByText('Preview 2')).waitFor();
}

async function draw(browser: Browser, view: View, url: string, mock: Mock | undefined, options: BrowserContextOptions, path: string): Promise<void> {
  const { page, complaints, end } = await visit(browser, { url }, `/#/${VIEWS[view]}`, options);
  if (mock !== undefined) mock.options['holdAfter'] = undefined;
  await page.locator('.pill-kind').waitFor();
  if (view === 'chat') await chatPage(page);
  if (VIEWS[view] === 'pictures') await picturesPage(page, mock);
  if (view === 'viewer') await page.locator('.tile.done button.face').first().click();
  await page.screenshot({ path, animations: 'disabled' });
  for (const complaint of complaints) console.error(`${view}: ${complaint}`);
  await end();
}

const folder = resolve(process.env['INIT_CWD'] ?? '.', process.argv[2] ?? 'screenshots');
mkdirSync(folder, { recursive: true });
const browser = await launch();
for (const [device, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const given = process.argv[3];
    const mock = given === undefined ? await serve() : undefined;
    const phone = device === 'phone';
    const options = { viewport, colorScheme, isMobile: phone, hasTouch: phone, deviceScaleFactor: phone ? 2 : 1 };
    for (const view of Object.keys(VIEWS) as View[]) {
      await draw(browser, view, mock?.url ?? given!, mock, options, `${folder}/${view}-${device}-${colorScheme}.png`);
    }
    await mock?.close();
  }
}
await browser.close();
process.exit(0); // vite-node's own services would keep it.
