// npm run screenshots:docs FOLDER: draws what docs/web.md shows of the page, as WebP, before a real server with the demo
// models on the software card. What the models write and paint follows from fixed seeds.
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { startDemo } from './axle';
import { launch, visit } from './browser';
import { ask, DEVICES, paint, paintAll } from './looks';

const PROMPTS = ['slice of pizza', 'sailboat', 'crown', 'alarm clock', 'rocket'] as const;
const SEED = '7';
// So long takes each engine run of the slow card: a picture is drawn while it takes shape.
const SLOW_CARD = 'toml:timing.call_ms = 1500';
const WEBP_QUALITY = 0.85;

interface Look {
  readonly name: string;
  readonly path: string;
  readonly device: keyof typeof DEVICES;
  readonly colorScheme: 'light' | 'dark';
  readonly card: 'fast' | 'slow';
  readonly prepare: (page: Page) => Promise<unknown>;
}

// The likeliest words, so that they are the same each time. A small model may say the same for ever: it is cut off.
async function chat(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Options' }).click();
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('Longest answer').fill('200');
  await page.getByRole('button', { name: 'Options' }).click();
  await ask(page, 'Name the planets of the solar system.');
  await ask(page, 'What is photosynthesis?');
}

async function fixSeed(page: Page): Promise<void> {
  const seed = page.getByLabel('Seed', { exact: true });
  if (!(await seed.isVisible())) await page.getByText('More choices').click();
  await seed.fill(SEED);
  await page.getByLabel('What shall it be?').scrollIntoViewIfNeeded();
}

async function livePicture(page: Page): Promise<void> {
  await fixSeed(page);
  await paintAll(page, PROMPTS);
  await paint(page, 'red apple');
  await page.getByText('Preview 2').waitFor();
}

async function overAnother(page: Page): Promise<void> {
  await fixSeed(page);
  await paintAll(page, ['red apple']);
  await page.locator('.tile.done button.face').click();
  await page.getByRole('button', { name: 'Start from this' }).click();
  for (const prompt of ['green apple', 'tangerine', 'tomato']) await paint(page, prompt);
  await page.locator('.tile.done').nth(3).waitFor();
}

async function gallery(page: Page): Promise<void> {
  await fixSeed(page);
  await page.getByText('More choices').click();
  await paintAll(page, PROMPTS.slice(0, 4));
}

async function large(page: Page): Promise<void> {
  await gallery(page);
  await page.locator('.tile.done button.face').first().click();
}

const readings = (page: Page) => page.getByRole('heading', { name: 'Memory' }).waitFor();

async function models(page: Page): Promise<void> {
  await readings(page);
  await page.locator('.foot').scrollIntoViewIfNeeded();
}

const LOOKS: readonly Look[] = [
  { name: 'chat-desktop', path: '/', device: 'desktop', colorScheme: 'light', card: 'fast', prepare: chat },
  { name: 'chat-phone', path: '/', device: 'phone', colorScheme: 'dark', card: 'fast', prepare: chat },
  { name: 'pictures-desktop', path: '/#/pictures', device: 'desktop', colorScheme: 'light', card: 'slow', prepare: livePicture },
  { name: 'pictures-phone', path: '/#/pictures', device: 'phone', colorScheme: 'light', card: 'fast', prepare: gallery },
  { name: 'img2img-desktop', path: '/#/pictures', device: 'desktop', colorScheme: 'dark', card: 'fast', prepare: overAnother },
  { name: 'picture-phone', path: '/#/pictures', device: 'phone', colorScheme: 'dark', card: 'fast', prepare: large },
  { name: 'card-desktop', path: '/#/card', device: 'desktop', colorScheme: 'dark', card: 'fast', prepare: readings },
  { name: 'card-phone', path: '/#/card', device: 'phone', colorScheme: 'light', card: 'fast', prepare: models },
];

/** A PNG as WebP: the browser has an encoder. */
async function toWebp(browser: Browser, png: Buffer): Promise<Buffer> {
  const page = await browser.newPage();
  const base64 = await page.evaluate(async ([data, quality]) => {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = document.createElement('canvas');
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
    return canvas.toDataURL('image/webp', quality).split(',')[1] ?? '';
  }, [png.toString('base64'), WEBP_QUALITY] as const);
  await page.close();
  return Buffer.from(base64, 'base64');
}

async function draw(browser: Browser, url: string, look: Look): Promise<Buffer> {
  const { page, complaints, end } = await visit(browser, { url }, look.path, { ...DEVICES[look.device], colorScheme: look.colorScheme });
  await page.locator('.pill-kind').waitFor({ state: 'attached' });
  await look.prepare(page);
  const png = await page.screenshot({ animations: 'disabled' });
  if (complaints.length > 0) throw new Error(`${look.name}: ${complaints.join('; ')}`);
  await end();
  return toWebp(browser, png);
}

const folder = resolve(process.env['INIT_CWD'] ?? '.', process.argv[2] ?? 'screenshots');
mkdirSync(folder, { recursive: true });
async function drawAll(browser: Browser, card: Look['card']): Promise<void> {
  const axle = await startDemo(card === 'slow' ? { AXLE_SOFTCARD: SLOW_CARD } : {});
  try {
    for (const look of LOOKS.filter((one) => one.card === card)) {
      const webp = await draw(browser, axle.url, look);
      writeFileSync(`${folder}/${look.name}.webp`, webp);
      console.log(`${look.name}.webp: ${Math.ceil(webp.length / 1024)} kB`);
    }
  } finally {
    await axle.stop();
  }
}

const browser = await launch();
try {
  await drawAll(browser, 'fast');
  await drawAll(browser, 'slow');
} finally {
  await browser.close();
}
process.exit(0); // vite-node's own services would keep it.
