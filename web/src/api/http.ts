import { askForKey, currentKey } from '../state/key';
import { fields, text } from './fields';

/** What a request ended with instead of an answer, in words for a person. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** What to tell of anything that was thrown. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) {
    return error.retryAfterSeconds === undefined
      ? error.message
      : `${error.message} Try again in ${error.retryAfterSeconds} s.`;
  }
  if (error instanceof TypeError) return 'The server cannot be reached, or the connection broke off.';
  return error instanceof Error ? error.message : String(error);
}

/** The error inside an answer or an event of the OpenAI form; nothing where there is none. */
export function errorIn(body: unknown): string | undefined {
  const error = fields(body)['error'];
  if (error === undefined || error === null) return undefined;
  return text(error) ?? text(fields(error)['message']) ?? 'The server reports an error without saying which.';
}

async function failure(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  const message = errorIn(body) ?? `The server answered ${response.status} ${response.statusText}.`;
  const wait = Number(response.headers.get('Retry-After') ?? NaN);
  return Number.isFinite(wait) ? new ApiError(message, response.status, wait) : new ApiError(message, response.status);
}

function withKey(init: RequestInit, key: string | undefined): RequestInit {
  const headers = new Headers(init.headers);
  if (key !== undefined) headers.set('Authorization', `Bearer ${key}`);
  return { ...init, headers };
}

/**
 * Asks the server, with the key where there is one. A 401 asks the person for a key, as often as it takes.
 * Throws ApiError for an answer that is no success, TypeError where there is none, AbortError when stopped.
 */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let key = currentKey();
  for (;;) {
    const response = await fetch(path, withKey(init, key));
    if (response.ok) return response;
    const error = await failure(response);
    if (response.status !== 401) throw error;
    const given = await askForKey(error.message, key);
    if (given === undefined) throw error;
    key = given;
  }
}

export async function askJson(path: string, init?: RequestInit): Promise<unknown> {
  return (await ask(path, init)).json();
}

export function postJson(body: object, signal: AbortSignal): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal };
}
