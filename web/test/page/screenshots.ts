// npm run screenshots FOLDER: builds the page and draws how it looks, on a phone and on a desk, light and dark.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { launch, serve, visit, type Mock } from './browser';

const folder = resolve(process.env['INIT_CWD'] ?? '.', process.argv[2] ?? 'screenshots');
mkdirSync(folder, { recursive: true });
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;

async function chatPage(page: Page): Promise<void> {
  await page.getByLabel('Message').fill('What is an NPU?');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('tokens/s').waitFor();
}

async function picturesPage(page: Page, mock: Mock): Promise<void> {
  const prompts = ['a quiet valley at dawn', 'hills under a green sky', 'the sea at the end of summer', 'a red desert', 'evening in the mountains'];
  for (const prompt of prompts) {
    await page.getByLabel('What shall it be?').fill(prompt);
    await page.getByRole('button', { name: 'Paint', exact: true }).click();
  }
  await page.waitForFunction(() => document.querySelectorAll('.tile.done').length === 5);
  mock.options['holdAfter'] = 2;
  await page.getByLabel('What shall it be?').fill('a lake before the storm');
  await page.getByRole('button', { name: 'Paint', exact: true }).click();
  await page.getByText('Preview 2').waitFor();
}

const browser = await launch();
for (const [device, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const mock = await serve();
    const phone = device === 'phone';
    const options = { viewport, colorScheme, isMobile: phone, hasTouch: phone, deviceScaleFactor: phone ? 2 : 1 };
    for (const name of ['welcome', 'chat', 'pictures', 'viewer', 'card']) {
      const { page, complaints, end } = await visit(browser, mock, `/#/${name === 'viewer' ? 'pictures' : name === 'welcome' ? 'chat' : name}`, options);
      mock.options['holdAfter'] = undefined;
      await page.locator('.pill-kind').waitFor();
      if (name === 'chat') await chatPage(page);
      if (name === 'pictures' || name === 'viewer') await picturesPage(page, mock);
      if (name === 'viewer') await page.locator('.tile.done button.face').first().click();
      await page.screenshot({ path: `${folder}/${name}-${device}-${colorScheme}.png`, animations: 'disabled' });
      for (const complaint of complaints) console.error(`${name}: ${complaint}`);
      await end();
    }
    await mock.close();
  }
}
await browser.close();
process.exit(0); // vite-node's own services would keep it.
