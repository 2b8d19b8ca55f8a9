// A real `axle serve` on a free port for the page's tests, on the software card.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BINARY = process.env['AXLE_BINARY'] ?? join(ROOT, 'build/release/bin/axle');
const MODELS = process.env['AXLE_DEMO_MODELS'] ?? join(ROOT, '.cache/models');
export const MODEL = 'smollm2-135m-instruct';

export interface Axle {
  readonly url: string;
  /** The body of GET /health. */
  readonly health: () => Promise<any>;
  readonly stop: () => Promise<void>;
}

/** A server with the demo model. */
export function startChatting(...flags: readonly string[]): Promise<Axle> {
  return start(newFolder(), ['--models', MODELS, '--load', MODEL, ...flags], {});
}

/** A server with both demo models; `settings` are variables of its environment. */
export function startDemo(settings: Readonly<Record<string, string>>): Promise<Axle> {
  return start(newFolder(), ['--models', MODELS], settings);
}

/** A server with a picture model that has the sizes of SD 1.5 and no weights: it paints patterns, in no time. */
export function startPainting(): Promise<Axle> {
  const folder = newFolder();
  const models = join(folder, 'models');
  execFileSync(BINARY, ['import', '--shape', 'sd15', '--models', models], { stdio: 'ignore' });
  return start(folder, ['--models', models], { AXLE_SOFTCARD: 'toml:skip_arithmetic = true' });
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'axle_web_test_'));
}

// Starts the server and waits until it can answer. Throws, with its log, when it ends before that.
async function start(folder: string, flags: readonly string[], settings: Readonly<Record<string, string>>): Promise<Axle> {
  const environment = {
    ...process.env,
    ...settings,
    AXLE_SOFTCARD_STATE: join(folder, 'card_state'),
    AXLE_LLM_CACHE: join(folder, 'cache'),
    AXLE_LLM_PROBE: 'off',
  };
  const child = spawn(BINARY, ['serve', '--port', '0', ...flags], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`${BINARY} did not start; its log:\n${log}`)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      const found = /is ready on (http:\/\/\S+)/.exec(log);
      if (found?.[1] !== undefined) resolve(found[1]);
    });
  });
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.on('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, health: async () => (await fetch(`${url}/health`)).json(), stop };
}
