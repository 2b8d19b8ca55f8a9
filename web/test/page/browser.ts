import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { PICTURE_MODEL, TEXT_MODEL } from '../mock/scenes.mjs';
import { startMock } from '../mock/server.mjs';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const DIST = process.env['AXLE_WEB_PAGE'] ?? fileURLToPath(new URL('../../dist', import.meta.url));

const LONGEST_WAIT_MS = 90_000;

export type Mock = Awaited<ReturnType<typeof startMock>>;

/** Debian's chromium; as root it runs only without its own sandbox. */
export function launch(): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** A mock server with one model of each kind that serves the built page. */
export function serve(options: Record<string, unknown> = {}): Promise<Mock> {
  if (!existsSync(`${DIST}/index.html`)) throw new Error(`${DIST} has no page: run "npm run build" first`);
  return startMock({ dist: DIST, models: [TEXT_MODEL, PICTURE_MODEL], ...options });
}

export interface Visit {
  readonly page: Page;
  /** What the browser complained of: broken policy, failed requests, thrown errors. */
  readonly complaints: string[];
  /** Requests to anything but the server. */
  readonly strays: string[];
  readonly end: () => Promise<void>;
}

/** Opens the page in a browser of its own kept data. */
export async function visit(browser: Browser, server: { readonly url: string }, path = '/', options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(LONGEST_WAIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  const strays: string[] = [];
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(server.url)) strays.push(request.url());
  });
  await page.goto(server.url + path);
  return { page, complaints, strays, end: () => context.close() };
}
