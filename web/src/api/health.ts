import { fields, list, number, numbers, text, texts } from './fields';

export type Mood = 'good' | 'busy' | 'bad';

export interface ModelState {
  readonly name: string;
  readonly state: string;
  readonly error: string | undefined;
  readonly loading: { readonly done: number; readonly total: number } | undefined;
  readonly contextTokens: number | undefined;
  readonly cardBytes: number | undefined;
  /** Of models that paint; empty of others. */
  readonly sizes: readonly string[];
  readonly steps: readonly number[];
  readonly queued: number;
  readonly running: number;
}

export interface Health {
  readonly version: string;
  readonly state: string;
  readonly reason: string;
  readonly ready: boolean;
  readonly paused: boolean;
  readonly sinceSeconds: number | undefined;
  /** Undefined until a card process has said what it found. */
  readonly softwareCard: boolean | undefined;
  readonly library: string | undefined;
  readonly soc: string | undefined;
  readonly runtime: string | undefined;
  readonly deviceId: number | undefined;
  readonly restarts: number;
  readonly reboots: number;
  readonly temperatureCelsius: number | undefined;
  readonly npuPercent: number | undefined;
  readonly cpuPercent: number | undefined;
  readonly memory: { readonly total: number; readonly free: number } | undefined;
  readonly cells: { readonly used: number; readonly total: number } | undefined;
  readonly models: readonly ModelState[];
  readonly jobs: { readonly queued: number; readonly running: number; readonly waitMs: number; readonly done: number; readonly failed: number };
  readonly errors: readonly { readonly message: string; readonly atSeconds: number }[];
}

function parseModel(value: unknown): ModelState {
  const model = fields(value);
  const total = number(model['files_total']);
  return {
    name: text(model['name']) ?? '?',
    state: text(model['state']) ?? 'unknown',
    error: text(fields(model['error'])['message']),
    loading: total === undefined ? undefined : { done: number(model['files_done']) ?? 0, total },
    contextTokens: number(model['context_tokens']),
    cardBytes: number(model['card_bytes']),
    sizes: texts(model['sizes']),
    steps: numbers(model['steps']),
    queued: number(model['queued']) ?? 0,
    running: number(model['running']) ?? 0,
  };
}

function parseMemory(readings: unknown): Health['memory'] {
  const total = number(fields(readings)['memory_total_bytes']);
  const free = number(fields(readings)['memory_free_bytes']);
  return total === undefined || total <= 0 || free === undefined ? undefined : { total, free };
}

function parseJobs(value: unknown): Health['jobs'] {
  const jobs = fields(value);
  return {
    queued: number(jobs['queued']) ?? 0,
    running: number(jobs['running']) ?? 0,
    waitMs: number(jobs['wait_ms']) ?? 0,
    done: number(jobs['done']) ?? 0,
    failed: number(jobs['failed']) ?? 0,
  };
}

function parseCells(value: unknown): Health['cells'] {
  const used = number(fields(value)['cells_used']);
  const total = number(fields(value)['cells_total']);
  return used === undefined || !total ? undefined : { used, total };
}

/** An answer of GET /health, whatever its status was. */
export function parseHealth(value: unknown): Health {
  const body = fields(value);
  const card = fields(body['card']);
  const readings = fields(card['readings']);
  const kind = text(card['kind']);
  return {
    version: text(body['version']) ?? '',
    state: text(card['state']) ?? 'unknown',
    reason: text(card['reason']) ?? '',
    ready: body['status'] === 'ok',
    paused: card['paused'] === true,
    sinceSeconds: number(card['since']),
    softwareCard: kind === undefined ? undefined : kind === 'software card',
    library: text(card['library']),
    soc: text(card['soc']),
    runtime: text(card['runtime_version']),
    deviceId: number(card['device_id']),
    restarts: number(card['restarts']) ?? 0,
    reboots: number(card['reboots']) ?? 0,
    temperatureCelsius: number(readings['temperature_celsius']),
    npuPercent: number(readings['npu_percent']),
    cpuPercent: number(readings['cpu_percent']),
    memory: parseMemory(readings),
    cells: parseCells(body['kv_cache']),
    models: list(body['models']).map(parseModel),
    jobs: parseJobs(body['jobs']),
    errors: list(card['last_errors']).map((error) => ({
      message: text(fields(error)['message']) ?? '',
      atSeconds: number(fields(error)['at']) ?? 0,
    })),
  };
}

/** How a state should feel to a person. */
export function mood(health: Health | undefined): Mood {
  if (health === undefined || health.state === 'lost') return 'bad';
  return health.ready && health.state !== 'hot' ? 'good' : 'busy';
}

/** /health answers 503 with the same body while the card is not ready; it needs no key. */
export async function fetchHealth(): Promise<Health> {
  return parseHealth(await (await fetch('/health')).json());
}
