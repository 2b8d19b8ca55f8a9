import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodePng, paintLandscape } from '../mock/painting.mjs';
import { PICTURE_MODEL, SECOND_TEXT_MODEL, TEXT_MODEL } from '../mock/scenes.mjs';
import { launch, serve, visit, type Mock, type Visit } from './browser';

let browser: Browser;
let mock: Mock;
let open: Visit | undefined;

beforeAll(async () => { browser = await launch(); });
afterAll(() => browser.close());
afterEach(async () => {
  await open?.end();
  await mock.close();
});

async function go(path: string, options: Record<string, unknown> = {}, context: Parameters<typeof visit>[3] = {}) {
  mock = await serve(options);
  open = await visit(browser, mock, path, context);
  return open.page;
}

async function paint(prompt: string): Promise<void> {
  const { page } = open!;
  await page.getByLabel('What shall it be?').fill(prompt);
  await page.getByLabel('What shall it be?').press('Enter');
}

describe('the chat', () => {
  it('streams an answer with markdown and says how fast it was, under the policy and without other hosts', async () => {
    const page = await go('/');
    await page.getByLabel('Message').fill('What is an NPU?');
    await page.keyboard.press('Enter');
    await page.getByText('tokens/s').waitFor();
    expect(await page.locator('.answer table tr').count()).toBe(3);
    expect(await page.locator('.answer pre').innerText()).toContain('def layer(x, weights):');
    expect(await page.locator('.answer ol > li').count()).toBe(3);
    expect(open!.complaints).toEqual([]);
    expect(open!.strays).toEqual([]);
    await page.reload();
    expect(await page.locator('.question').innerText()).toContain('What is an NPU?');
  });

  it('shows what a model writes as text, never as a part of the page', async () => {
    const answer = '<img src=x onerror="alert(1)"> <b>b</b>\n\n[a](javascript:alert(2)) ![p](https://example.org/p.png) &lt;i&gt; `<u>`\n\n<script>alert(3)</script>';
    const page = await go('/', { answer });
    await page.getByLabel('Message').fill('Hi');
    await page.keyboard.press('Enter');
    await page.getByText('tokens/s').waitFor();
    expect(await page.locator('.answer img, .answer script, .answer b, .answer u, .answer i').count()).toBe(0);
    expect(await page.locator('.answer .markdown a').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual(['https://example.org/p.png']);
    expect(await page.locator('.answer').innerText()).toContain('<img src=x onerror="alert(1)">');
    expect(open!.strays).toEqual([]);
    expect(open!.complaints).toEqual([]);
  });

  it('stops by Escape: the server sees the client leave, the text stays', async () => {
    const page = await go('/', { holdAfter: 2 });
    await page.getByLabel('Message').fill('Hi');
    await page.keyboard.press('Enter');
    await page.locator('.answer strong').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.outcome').getByText('stopped').waitFor();
    await expect.poll(() => mock.gone).toBe(1);
    expect(await page.locator('.answer strong').innerText()).toBe('NPU');
    mock.options['holdAfter'] = undefined;
    await page.getByRole('button', { name: 'Again' }).click();
    await page.getByText('tokens/s').waitFor();
    expect(await page.locator('.answer').count()).toBe(1);
  });

  it('asks for the model that was chosen, with the options that were set', async () => {
    const page = await go('/', { models: [TEXT_MODEL, SECOND_TEXT_MODEL] });
    await page.getByLabel('Model').selectOption(SECOND_TEXT_MODEL.id);
    await page.getByRole('button', { name: 'Options' }).click();
    await page.getByLabel('Temperature').fill('0.2');
    await page.getByLabel('Instructions').fill('Be brief');
    await page.getByLabel('Message').fill('Hi');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('tokens/s').waitFor();
    expect(mock.requests[0]?.fields).toMatchObject({ model: SECOND_TEXT_MODEL.id, temperature: 0.2, stream: true });
    expect(mock.requests[0]?.fields.messages[0]).toEqual({ role: 'system', content: 'Be brief' });
  });

  it('tells a full queue in the server\'s words', async () => {
    const page = await go('/', { busy: true });
    await page.getByLabel('Message').fill('Hi');
    await page.keyboard.press('Enter');
    await page.getByText('The queue is full: 64 requests wait. Try again in 7 s.', { exact: true }).first().waitFor();
  });

  it('says plainly that there is no language model, and none for pictures', async () => {
    const page = await go('/', { models: [PICTURE_MODEL] });
    await page.getByRole('heading', { name: 'There is no language model here' }).waitFor();
    await open!.end();
    await mock.close();
    const other = await go('/#/pictures', { models: [TEXT_MODEL] });
    await other.getByRole('heading', { name: 'There is no picture model here' }).waitFor();
  });

  it('asks for a key when the server wants one, and keeps it for this tab', async () => {
    const page = await go('/', { key: 'secret' });
    await page.getByLabel('API key', { exact: true }).last().fill('wrong');
    await page.keyboard.press('Enter');
    await page.locator('input[type=password]').fill('secret');
    await page.keyboard.press('Enter');
    await page.getByLabel('Message').waitFor();
    expect(await page.evaluate(() => [sessionStorage.getItem('axle.key'), localStorage.length])).toEqual(['secret', 0]);
    await page.reload();
    await page.getByLabel('Message').waitFor();
    expect(await page.locator('dialog').count()).toBe(0);
  });
});

describe('the pictures', () => {
  it('take shape in previews, and can be painted again with another seed', async () => {
    const page = await go('/#/pictures', { holdAfter: 1 });
    await paint('a red apple');
    await page.getByText('Preview 1').waitFor();
    expect(await page.locator('.tile progress').evaluate((bar) => (bar as HTMLProgressElement).position)).toBe(0.25);
    mock.options['holdAfter'] = undefined;
    mock.release();
    await page.locator('.tile.done').waitFor();
    expect(mock.requests[0]).toMatchObject({ route: 'POST /v1/images/generations' });
    expect(mock.requests[0]?.fields).toMatchObject({ prompt: 'a red apple', stream: true, partial_images: 3, n: 1, steps: 4, size: '256x256' });
    const seed = mock.requests[0]!.fields.seed as number;
    expect(await page.locator('.caption-state').innerText()).toBe(`Seed ${seed}`);
    await page.locator('.tile.done').getByRole('button', { name: 'Again with another seed' }).click();
    await expect.poll(() => page.locator('.tile.done').count()).toBe(2);
    expect(mock.requests[1]!.fields.seed).not.toBe(seed);
    expect(open!.complaints).toEqual([]);
    expect(open!.strays).toEqual([]);
  });

  it('are of what was typed last, however fast Enter follows', async () => {
    const page = await go('/#/pictures');
    await page.getByLabel('What shall it be?').evaluate((area) => {
      (area as HTMLTextAreaElement).value = 'a whale';
      area.dispatchEvent(new InputEvent('input', { bubbles: true }));
      area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
    });
    await page.locator('.tile.done').waitFor();
    expect(mock.requests[0]?.fields.prompt).toBe('a whale');
  });

  it('take no seed that is none, and say what one is', async () => {
    const page = await go('/#/pictures');
    await page.getByLabel('What shall it be?').fill('a whale');
    await page.getByLabel('Seed', { exact: true }).fill('4294967296');
    await page.getByRole('alert').getByText('A seed is a whole number below 4294967296.').waitFor();
    expect(await page.getByRole('button', { name: 'Paint', exact: true }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'A new seed each time' }).click();
    await paint('a whale');
    await page.locator('.tile.done').waitFor();
  });

  it('open large, go by arrow keys, and start the next painting', async () => {
    const page = await go('/#/pictures');
    await page.getByText('2', { exact: true }).first().click();
    await paint('a cat');
    await expect.poll(() => page.locator('.tile.done').count()).toBe(2);
    await page.locator('button.face').first().click();
    const first = await page.locator('.viewer-facts').innerText();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.viewer-facts').innerText()).not.toBe(first);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
    expect(download.suggestedFilename()).toMatch(/^a-cat-\d+\.png$/);
    await page.getByRole('button', { name: 'Start from this' }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.getByRole('slider', { name: 'Change it' }).fill('0.5');
    await page.getByRole('button', { name: 'Paint over it' }).click();
    await expect.poll(() => mock.requests.length).toBe(4);
    expect(mock.requests[3]).toMatchObject({ route: 'POST /v1/images/edits', fields: { prompt: 'a cat', strength: '0.5', partial_images: '3' } });
  });

  it('start from a picture that is chosen, cut to the size of the model', async () => {
    const page = await go('/#/pictures');
    const photo = { name: 'photo.png', mimeType: 'image/png', buffer: paintLandscape(1, 640, 320) };
    await page.locator('input[type=file]').first().setInputFiles(photo);
    await page.getByLabel('What to keep away from').fill('fog');
    await paint('winter');
    await page.locator('.tile.done').waitFor();
    const { image, negative_prompt: negative, cfg_scale: guidance } = mock.requests[0]!.fields;
    expect([image.type, image.bytes.readUInt32BE(16), image.bytes.readUInt32BE(20), negative, guidance]).toEqual(['image/png', 256, 256, 'fog', '1.5']);
  });

  it('have guidance where the model has, and it can be turned off', async () => {
    const page = await go('/#/pictures');
    const guidance = page.getByRole('slider', { name: 'Guidance' });
    await page.getByText('Off: the model paints as it learned to.').waitFor();
    await page.getByLabel('What to keep away from').fill('fog');
    await page.getByText('Keeps closer to the words; takes twice as long.').waitFor();
    expect(await guidance.inputValue()).toBe('1.5');
    await guidance.fill('1');
    await page.getByText('What to keep away from counts only with guidance.').waitFor();
    await paint('a cat');
    await page.locator('.tile.done').waitFor();
    expect(mock.requests[0]!.fields).not.toHaveProperty('cfg_scale');
    await open!.end();
    await mock.close();
    const other = await go('/#/pictures', { models: [{ ...PICTURE_MODEL, guidance_max: 1 }] });
    await other.getByLabel('Seed', { exact: true }).waitFor();
    expect(await other.getByLabel('What to keep away from').count()).toBe(0);
  });

  it('start from a picture that is pasted or dropped', async () => {
    const page = await go('/#/pictures');
    await page.getByLabel('What shall it be?').waitFor();
    for (const kind of ['paste', 'drop']) {
      const base64 = encodePng(8, 8, Buffer.alloc(192, 99)).toString('base64');
      await page.evaluate(([name, data]) => {
        const file = new File([Uint8Array.from(atob(data!), (c) => c.charCodeAt(0))], 'a.png', { type: 'image/png' });
        const transfer = new DataTransfer();
        transfer.items.add(file);
        const init = { bubbles: true, cancelable: true };
        dispatchEvent(name === 'paste' ? new ClipboardEvent('paste', { ...init, clipboardData: transfer }) : new DragEvent('drop', { ...init, dataTransfer: transfer }));
      }, [kind, base64]);
      await page.getByAltText('Start of the painting').waitFor();
      await page.getByRole('button', { name: 'Start from nothing' }).click();
      await page.getByRole('button', { name: 'Paint', exact: true }).waitFor();
    }
  });

  it('stop when told to, and say why one failed', async () => {
    const page = await go('/#/pictures', { holdAfter: 1 });
    await paint('a whale');
    await page.getByText('Preview 1').waitFor();
    await page.getByRole('button', { name: 'Stop a whale' }).click();
    await page.locator('.tile.stopped').waitFor();
    await expect.poll(() => mock.gone).toBe(1);
    mock.options['failPictures'] = 'The card is lost.';
    await paint('a whale');
    await page.locator('.tile.failed').getByText('The card is lost.').waitFor();
  });
});

describe('the card', () => {
  it('says whether it is the real one, and how it is', async () => {
    const page = await go('/#/card', { health: { queued: 3, running: 2 } });
    await page.getByRole('heading', { name: 'Software card' }).waitFor();
    await page.getByText('48 °C').waitFor();
    await page.getByText('of 6.9 GiB in use').waitFor();
    await page.getByText('loaded · pictures of 256 × 256 · 1, 2 or 4 steps · 35 MiB on the card').waitFor();
    await page.getByText('2 running, 3 waiting').waitFor();
    await open!.end();
    await mock.close();
    const real = await go('/#/card', { health: { software: false, state: 'lost' } });
    await real.getByRole('heading', { name: 'Accelerator card' }).waitFor();
    await real.getByText('axclrtEngineExecute: the card did not answer').waitFor();
    expect(await real.locator('.pill').innerText()).toContain('Lost');
  });
});

describe('the whole page', () => {
  it('is used by keyboard alone, with a visible focus', async () => {
    const page = await go('/');
    await page.getByLabel('Message').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the page');
    const seen: string[] = [];
    for (let i = 0; i < 14; ++i) {
      await page.keyboard.press('Tab');
      const [name, outline] = await page.evaluate(() => {
        const element = document.activeElement ?? document.body;
        if (element === document.body) return ['', ''];
        const box = element.closest('.composer-box') ?? element;
        return [element.getAttribute('aria-label') ?? element.textContent ?? '', getComputedStyle(box).outlineStyle];
      });
      if (name === '' || seen.includes(name!)) break;
      expect(outline, name).not.toBe('none');
      seen.push(name!);
    }
    expect(seen).toEqual(expect.arrayContaining(['Pictures', 'Card', 'Options', 'Message']));
  });

  it('follows the system\'s colours until the switch says otherwise, and remembers', async () => {
    const page = await go('/', {}, { colorScheme: 'dark' });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await ground()).toBe('rgb(23, 21, 19)');
    await page.getByRole('button', { name: /^Colours/ }).click();
    await expect.poll(ground).toBe('rgb(250, 248, 244)');
    await page.reload();
    await expect.poll(ground).toBe('rgb(250, 248, 244)');
  });

  it('fits a phone: nothing is wider than the screen', async () => {
    const page = await go('/', {}, { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true });
    await page.getByLabel('Message').fill('Hi');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('tokens/s').waitFor();
    for (const name of ['Chat', 'Pictures', 'Card']) {
      await page.locator('.nav-bottom').getByText(name).click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      expect(await page.evaluate(() => [...document.querySelectorAll('.page:not([hidden])')].every((p) => p.scrollWidth <= 360))).toBe(true);
    }
  });

  it('tells screen readers what was written, sentence by sentence', async () => {
    const page = await go('/', { answer: 'One is here. Two is here.', holdAfter: 4 });
    await page.getByLabel('Message').fill('Hi');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('status').innerText()).toBe('One is here.');
    mock.release();
    await expect.poll(() => page.getByRole('status').innerText()).toBe('Two is here.');
  });
});
