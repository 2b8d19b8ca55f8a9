import { defineConfig } from 'vitest/config';

// `npm run dev` hands requests on to a running axle or to the mock (AXLE=http://host:port).
const axle = process.env['AXLE'] ?? 'http://127.0.0.1:8000';

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // The page's policy allows no data: scripts, styles or fonts.
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { '/v1': axle, '/health': axle } },
  test: {
    // The limits are for machines that are busy with other things: where all goes well nothing waits for them.
    fileParallelism: false, // Two cores; and the page's tests share a browser each.
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.{ts,tsx}'], testTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: 'page',
          include: ['test/page/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 90_000 } },
        },
      },
    ],
  },
});
