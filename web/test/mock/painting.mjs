// Pictures for the mock server: a landscape that a seed chooses, as PNG.
import * as zlib from 'node:zlib';

// crc32 is in zlib from Node 20.15 on; older ones count here.
const TABLE = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});
const checksum = zlib.crc32 ?? ((bytes) => (bytes.reduce((c, b) => TABLE[(c ^ b) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0);

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(checksum(body) >>> 0, body.length + 4);
  return out;
}

/** RGB pixels, row by row, as PNG (PNG specification, third edition, section 5). */
export function encodePng(width, height, rgb) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; ++y) rgb.copy(rows, y * (width * 3 + 1) + 1, y * width * 3, (y + 1) * width * 3);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

// A small generator, so that a seed always gives the same picture.
function random(seed) {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

function colour(hue, saturation, light) {
  const f = (n) => {
    const k = (n + hue * 12) % 12;
    return 255 * (light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [f(0), f(8), f(4)];
}

const mix = (a, b, t) => a.map((value, i) => value + (b[i] - value) * t);

/** `detail` from 0 (noise) to 1 (finished); previews are an eighth as long. */
export function paintLandscape(seed, width, height, detail = 1) {
  const next = random(seed);
  const hue = next();
  const top = colour(hue, 0.55, 0.38);
  const low = colour((hue + 0.12 + next() * 0.1) % 1, 0.8, 0.78);
  const sun = { x: 0.2 + next() * 0.6, y: 0.25 + next() * 0.25, r: 0.07 + next() * 0.07 };
  const hills = [0, 1, 2].map((i) => ({
    base: 0.55 + i * 0.14,
    waves: [0, 1, 2].map(() => ({ f: 2 + next() * 9, p: next() * 7, a: 0.015 + next() * 0.04 })),
    colour: colour((hue + 0.45 + i * 0.03) % 1, 0.4, 0.42 - i * 0.12),
  }));
  const noise = random(seed + 1);
  const rgb = Buffer.alloc(width * height * 3);
  for (let py = 0; py < height; ++py) {
    for (let px = 0; px < width; ++px) {
      const x = px / width;
      const y = py / height;
      let value = mix(top, low, Math.min(1, y * 1.5));
      const d = Math.hypot(x - sun.x, (y - sun.y) * (height / width)) - sun.r;
      if (d < 0.12) value = mix(value, [255, 246, 224], d < 0 ? 1 : (1 - d / 0.12) ** 2 * 0.6);
      for (const hill of hills) {
        const edge = hill.waves.reduce((sum, w) => sum + Math.sin(x * w.f + w.p) * w.a, hill.base);
        if (y > edge) value = mix(hill.colour, low, Math.max(0, 0.25 - (y - edge)));
      }
      const at = (py * width + px) * 3;
      for (let c = 0; c < 3; ++c) rgb[at + c] = Math.max(0, Math.min(255, mix([noise() * 255], [value[c]], detail)[0]));
    }
  }
  return encodePng(width, height, rgb);
}
