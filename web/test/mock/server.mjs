// A stand-in for axle that speaks its wire formats, for the page's tests and for work on the page.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { paintLandscape } from './painting.mjs';
import { ANSWER, health } from './scenes.mjs';

// As the server sends it with the page.
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const PICTURE_FIELDS = new Set([
  'model', 'prompt', 'n', 'size', 'stream', 'partial_images', 'image', 'seed', 'steps', 'strength', 'negative_prompt', 'cfg_scale',
]);
const STEP_COUNT = 4;

/**
 * Options: dist (folder of the built page), models, key, answer, reasoning, tokenMs and stepMs (how long each takes),
 * holdAfter (tokens or previews after which an answer waits for release()), busy, health (members of scenes.health),
 * failPictures (an error message). They may be changed while it runs.
 */
export async function startMock(options, port = 0) {
  const mock = {
    url: '',
    close: () => Promise.resolve(),
    release: () => mock.waiting.splice(0).forEach((goOn) => goOn()),
    waiting: /** @type {(() => void)[]} */ ([]),
    options: { tokenMs: 0, stepMs: 0, answer: ANSWER, ...options },
    requests: /** @type {{route: string, fields: any}[]} */ ([]),
    gone: 0,
  };
  const server = createServer((request, response) => {
    handle(mock, request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  mock.url = `http://127.0.0.1:${server.address().port}`;
  mock.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return mock;
}

async function handle(mock, request, response) {
  const { options } = mock;
  const route = `${request.method} ${request.url}`;
  if (route === 'GET /health') {
    const body = health({ models: options.models, ...options.health });
    return json(response, body.status === 'ok' ? 200 : 503, body);
  }
  if (!request.url.startsWith('/v1/')) return file(options.dist, request.url, response);
  const body = await readBody(request);
  if (options.key !== undefined && request.headers.authorization !== `Bearer ${options.key}`) {
    return refuse(response, 401, 'Wanted an API key in "Authorization: Bearer KEY", found none that this server knows.');
  }
  if (route === 'GET /v1/models') return json(response, 200, { object: 'list', data: options.models });
  const fields = await parseFields(request, body);
  mock.requests.push({ route, fields });
  response.on('close', () => { if (!response.writableFinished) mock.gone += 1; });
  if (route === 'POST /v1/chat/completions') return chat(mock, fields, response);
  if (route === 'POST /v1/images/generations' || route === 'POST /v1/images/edits') return pictures(mock, route, fields, response);
  return refuse(response, 404, `There is no ${route}.`);
}

async function readBody(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

async function parseFields(request, body) {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return JSON.parse(body.toString());
  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  const fields = {};
  for (const [name, value] of form) fields[name] = typeof value === 'string' ? value : { type: value.type, bytes: Buffer.from(await value.arrayBuffer()) };
  return fields;
}

function json(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json', ...(status === 429 ? { 'Retry-After': '7' } : {}) });
  response.end(JSON.stringify(body));
}

function refuse(response, status, message) {
  json(response, status, { error: { message, type: 'invalid_request_error', param: null, code: null } });
}

function file(dist, url, response) {
  const path = join(dist, url === '/' ? 'index.html' : normalize(url).replace(/\?.*/, ''));
  if (!path.startsWith(dist) || !existsSync(path)) return refuse(response, 404, `There is no ${url}.`);
  response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY });
  return createReadStream(path).pipe(response);
}

function events(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.write(': ping\n\n');
  return (value) => response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
}

// After `count` pieces an answer may be told to wait, until release() or until the client leaves; false when it left.
async function mayGoOn(mock, response, count, milliseconds) {
  if (milliseconds > 0) await sleep(milliseconds);
  if (count === mock.options.holdAfter && !response.destroyed) {
    await new Promise((resolve) => {
      mock.waiting.push(() => resolve(undefined));
      response.on('close', () => resolve(undefined));
    });
  }
  return !response.destroyed;
}

async function chat(mock, fields, response) {
  const { options } = mock;
  if (options.busy) return json(response, 429, { error: { message: 'The queue is full: 64 requests wait.', type: 'rate_limit_error', param: null, code: null } });
  const send = events(response);
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: fields.model };
  const delta = (value, finish = null) => send({ ...head, choices: [{ index: 0, delta: value, logprobs: null, finish_reason: finish }] });
  delta({ role: 'assistant', content: '' });
  if (options.reasoning) delta({ reasoning_content: options.reasoning });
  const tokens = options.answer.match(/\s*\S+\s*?(?=\s|$)|\s+/g) ?? [];
  for (const [index, token] of tokens.entries()) {
    if (!(await mayGoOn(mock, response, index, options.tokenMs))) return;
    delta({ content: token });
  }
  delta({}, 'stop');
  const count = tokens.length;
  send({ ...head, choices: [], usage: { prompt_tokens: 20, completion_tokens: count, total_tokens: 20 + count }, timings: { predicted_ms: count * 52 } });
  send('[DONE]');
  response.end();
}

async function pictures(mock, route, fields, response) {
  const { options } = mock;
  const unknown = Object.keys(fields).filter((name) => !PICTURE_FIELDS.has(name));
  if (unknown.length > 0) return refuse(response, 400, `Unknown field '${unknown[0]}'.`);
  if (options.failPictures) return refuse(response, 500, options.failPictures);
  const kind = route.endsWith('edits') ? 'image_edit' : 'image_generation';
  const [width, height] = (fields.size ?? '256x256').split('x').map(Number);
  const seed = Number(fields.seed);
  const send = events(response);
  const common = { created_at: 1, output_format: 'png', quality: 'auto', background: 'opaque', size: `${width}x${height}` };
  for (let step = 0; step < STEP_COUNT - 1; ++step) {
    if (!(await mayGoOn(mock, response, step, options.stepMs))) return;
    const preview = paintLandscape(seed, width / 8, height / 8, (step + 1) / STEP_COUNT);
    send({ type: `${kind}.partial_image`, b64_json: preview.toString('base64'), partial_image_index: step, ...common });
  }
  if (!(await mayGoOn(mock, response, STEP_COUNT - 1, options.stepMs))) return;
  send({ type: `${kind}.completed`, b64_json: paintLandscape(seed, width, height).toString('base64'), seed, ...common });
  send('[DONE]');
  response.end();
}
