// What the mock server says: the forms are those of axle's own answers.

export const TEXT_MODEL = { id: 'smollm2-135m-instruct', object: 'model', created: 1790000000, owned_by: 'axle', kind: 'chat', max_model_len: 2047, sampling: { temperature: 0.2, top_p: 0.9 } };
export const SECOND_TEXT_MODEL = { id: 'qwen3-0.6b', object: 'model', created: 1790000000, owned_by: 'axle', kind: 'chat', max_model_len: 8191, sampling: {} };
export const PICTURE_MODEL = {
  id: 'emoji-painter', object: 'model', owned_by: 'axle',
  kind: 'picture', sizes: ['256x256'], steps: [1, 2, 4], default_steps: 4, guidance_max: 2, edits: true,
};

export const ANSWER = `An **NPU** is a part of a chip that does one thing very well: the sums inside neural networks.

## What it is good at

1. Multiplying *large* tables of small numbers
2. Doing so with little power, often below \`10 W\`
3. Leaving the processor free for everything else

| part | good at | watts |
|:--|:--|--:|
| CPU | anything, one thing after another | 15 |
| NPU | the same sum, millions of times | 5 |

\`\`\`python
def layer(x, weights):
    """What an NPU computes, many times over."""
    return [sum(a * b for a, b in zip(x, row)) for row in weights]
\`\`\`

> It is to neural networks what a calculator is to sums.

More is in [the documentation](https://example.org/npu).
`;

const NOW = () => Math.floor(Date.now() / 1000);

// The one that paints has all the work.
function modelHealth(model, queued, running) {
  const common = { name: model.id, kind: model.kind, state: 'loaded', load_ms: 910 };
  if (model.kind === 'picture') return { ...common, queued, running, sizes: model.sizes, steps: model.steps, card_bytes: 36864000 };
  return { ...common, queued: 0, running: 0, context_tokens: model.max_model_len, card_bytes: 201326592, probe: 'probed in 5 ms' };
}

/** The body of GET /health. */
export function health({ models, software = true, state = 'ready', queued = 0, running = 0 }) {
  const ready = state === 'ready';
  return {
    status: ready ? 'ok' : state,
    version: '0.1.0',
    card: {
      state, reason: ready ? '' : 'the card did not answer for 20 s', since: NOW() - 8100, paused: false, pid: 4242, restarts: ready ? 0 : 3, reboots: ready ? 0 : 1,
      kind: software ? 'software card' : 'card',
      library: software ? 'software card, libaxcl_rt.so' : '/usr/lib/axcl/libaxcl_rt.so',
      device_id: software ? 1 : 3, soc: 'AX650N', runtime_version: 'V3.10.2',
      readings: { memory_total_bytes: 7381975040, memory_free_bytes: 5234491392, at: NOW(), temperature_celsius: 47.5, npu_percent: running ? 83 : 2, cpu_percent: 11 },
      last_errors: ready ? [] : [{ code: 'card_lost', message: 'axclrtEngineExecute: the card did not answer', vendor_code: '0x8030040c', at: NOW() - 60 }],
    },
    models: models.map((model) => modelHealth(model, queued, running)),
    kv_cache: { cells_used: 312, cells_total: 2047, banks: 1, host_bytes: 0 },
    jobs: { queued, running, wait_ms: queued * 2700, done: 57, failed: 1, cancelled: 4, replayed: 0 },
  };
}
