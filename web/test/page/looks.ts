// What the programs that draw the page share: devices, and how the page is brought to a state worth drawing.
import type { BrowserContextOptions, Page } from 'playwright-core';

export const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
} as const satisfies Readonly<Record<string, BrowserContextOptions>>;

export async function ask(page: Page, question: string): Promise<void> {
  const answers = await page.locator('.outcome').count();
  await page.getByLabel('Message').fill(question);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.outcome').nth(answers).getByText('tokens/s').waitFor();
}

export async function paint(page: Page, prompt: string): Promise<void> {
  await page.getByLabel('What shall it be?').fill(prompt);
  await page.getByRole('button', { name: /^Paint/ }).click();
}

export async function paintAll(page: Page, prompts: readonly string[]): Promise<void> {
  for (const prompt of prompts) await paint(page, prompt);
  await page.waitForFunction((count) => document.querySelectorAll('.tile.done').length === count, prompts.length);
}
