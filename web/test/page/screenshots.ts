// npm run screenshots FOLDER [URL]: builds the page and draws how it looks, on a phone and on a desk, light and dark;
// with a URL how the page of that server looks, which must have a model for chat and one for pictures.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launch, serve, visit, type Mock } from './browser';
import { ask, DEVICES, paint, paintAll } from './looks';

const VIEWS = { welcome: 'chat', chat: 'chat', pictures: 'pictures', viewer: 'pictures', card: 'card' } as const;
type View = keyof typeof VIEWS;
const PROMPTS = {
  standIn: ['a quiet valley at dawn', 'hills under a green sky', 'the sea at the end of summer', 'a red desert', 'evening in the mountains', 'a lake before the storm'],
  real: ['slice of pizza', 'sailboat', 'blue butterfly', 'cherry blossom', 'tiger face', 'red apple'],
} as const;

// A gallery; before the stand-in, which waits, the newest picture is not yet done.
async function picturesPage(page: Page, mock: Mock | undefined): Promise<void> {
  const prompts = PROMPTS[mock === undefined ? 'real' : 'standIn'];
  await paintAll(page, prompts.slice(0, -1));
  if (mock !== undefined) mock.options['holdAfter'] = 2;
  await paint(page, prompts.at(-1)!);
  await (mock === undefined ? page.locator('.tile.done').nth(prompts.length - 1) : page.getByText('Preview 2')).waitFor();
}

async function draw(browser: Browser, view: View, url: string, mock: Mock | undefined, options: BrowserContextOptions, path: string): Promise<void> {
  const { page, complaints, end } = await visit(browser, { url }, `/#/${VIEWS[view]}`, options);
  if (mock !== undefined) mock.options['holdAfter'] = undefined;
  await page.locator('.pill-kind').waitFor();
  if (view === 'chat') await ask(page, 'What is an NPU?');
  if (VIEWS[view] === 'pictures') await picturesPage(page, mock);
  if (view === 'viewer') await page.locator('.tile.done button.face').first().click();
  await page.screenshot({ path, animations: 'disabled' });
  for (const complaint of complaints) console.error(`${view}: ${complaint}`);
  await end();
}

const folder = resolve(process.env['INIT_CWD'] ?? '.', process.argv[2] ?? 'screenshots');
mkdirSync(folder, { recursive: true });
const browser = await launch();
for (const [name, device] of Object.entries(DEVICES)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const given = process.argv[3];
    const mock = given === undefined ? await serve() : undefined;
    const options = { ...device, colorScheme };
    for (const view of Object.keys(VIEWS) as View[]) {
      await draw(browser, view, mock?.url ?? given!, mock, options, `${folder}/${view}-${name}-${colorScheme}.png`);
    }
    await mock?.close();
  }
}
await browser.close();
process.exit(0); // vite-node's own services would keep it.
