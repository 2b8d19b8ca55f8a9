// npm run mock [port]: the mock server with the built page, or behind `npm run dev`.
import { fileURLToPath } from 'node:url';
import { PICTURE_MODEL, SECOND_TEXT_MODEL, TEXT_MODEL } from './scenes.mjs';
import { startMock } from './server.mjs';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const models = [TEXT_MODEL, SECOND_TEXT_MODEL, PICTURE_MODEL];
const mock = await startMock({ dist, models, tokenMs: 40, stepMs: 700 }, Number(process.argv[2] ?? 8000));
console.log(`mock of axle on ${mock.url}`);
