import type { ComponentChildren } from 'preact';
import { mood, type Health, type ModelState } from '../api/health';
import { Notice } from '../parts/notice';
import { health } from '../state/server';
import { useStore } from '../state/store';
import { bytesText, choiceText, spanText, withoutFolders } from './format';

// Where the card's own rules for warm days begin: it warns at 75 and pauses at 80 degrees.
const WARM_CELSIUS = 75;
const HOTTEST_CELSIUS = 100;

function Panel({ title, children, wide = false }: { readonly title: string; readonly children: ComponentChildren; readonly wide?: boolean }) {
  return <section class={`panel${wide ? ' panel-wide' : ''}`}><h2>{title}</h2>{children}</section>;
}

interface GaugeProps {
  readonly value: number;
  readonly max: number;
  readonly high: number;
  readonly label: string;
  readonly note?: string;
}

function Gauge({ value, max, high, label, note }: GaugeProps) {
  return (
    <>
      <p class="figure">{label}</p>
      <meter min={0} max={max} low={high} high={max} optimum={0} value={value} aria-label={label} />
      {note !== undefined && <p class="soft">{note}</p>}
    </>
  );
}

const KINDS = {
  software: { title: 'Software card', text: 'There is no accelerator in this machine, or it is not used: the processor does its work, through the same code.' },
  real: { title: 'Accelerator card', text: 'Models run on the card’s NPU.' },
  unknown: { title: 'Card', text: 'The card has not answered yet.' },
} as const;

function Hero({ state }: { readonly state: Health }) {
  const kind = KINDS[state.softwareCard === undefined ? 'unknown' : state.softwareCard ? 'software' : 'real'];
  const name = state.paused ? `${state.state}, paused` : state.state;
  const since = state.sinceSeconds === undefined ? '' : ` for ${spanText(Date.now() / 1000 - state.sinceSeconds)}`;
  const chips = [state.soc, state.runtime && `runtime ${state.runtime}`, state.deviceId === undefined ? undefined : `device ${state.deviceId}`]
    .filter((chip): chip is string => Boolean(chip));
  return (
    <section class={`hero${state.softwareCard ? ' hero-software' : ''}`}>
      <p class="hero-state"><span class={`dot ${mood(state)}`} />{name}{since}</p>
      <h1>{kind.title}</h1>
      <p>{kind.text}</p>
      {state.reason !== '' && <p class="problem">{state.reason}</p>}
      <ul class="chips">{chips.map((chip) => <li key={chip}>{chip}</li>)}</ul>
    </section>
  );
}

function modelNote(model: ModelState): string {
  if (model.error !== undefined) return model.error;
  if (model.loading !== undefined) return `loading ${model.loading.done} of ${model.loading.total} files`;
  const parts = [model.state];
  if (model.contextTokens !== undefined) parts.push(`${model.contextTokens} tokens of context`);
  if (model.sizes.length > 0) parts.push(`pictures of ${choiceText(model.sizes.map((size) => size.replace('x', ' × ')))}`);
  if (model.steps.length > 0) parts.push(`${choiceText(model.steps)} steps`);
  if (model.cardBytes) parts.push(`${bytesText(model.cardBytes)} on the card`);
  return parts.join(' · ');
}

/** What a model does now; nothing where it rests. */
function modelWork({ queued, running }: ModelState): string | undefined {
  const parts: string[] = [];
  if (running > 0) parts.push(`${running} running`);
  if (queued > 0) parts.push(`${queued} waiting`);
  return parts.length === 0 ? undefined : parts.join(', ');
}

function Models({ models }: { readonly models: readonly ModelState[] }) {
  if (models.length === 0) return <p class="soft">None is served.</p>;
  return (
    <ul class="models">
      {models.map((model) => (
        <li key={model.name}>
          <span class={`dot ${model.state === 'loaded' ? 'good' : model.state === 'failed' ? 'bad' : 'busy'}`} />
          <span class="model-text"><strong>{model.name}{modelWork(model) && <span class="model-work">{modelWork(model)}</span>}</strong><span class="soft">{modelNote(model)}</span></span>
          {model.loading && <progress max={model.loading.total} value={model.loading.done} aria-label={`Loading ${model.name}`} />}
        </li>
      ))}
    </ul>
  );
}

function Readings({ state }: { readonly state: Health }) {
  const { temperatureCelsius: celsius, memory, npuPercent, cells } = state;
  return (
    <>
      {celsius !== undefined && <Panel title="Temperature"><Gauge value={celsius} max={HOTTEST_CELSIUS} high={WARM_CELSIUS} label={`${Math.round(celsius)} °C`} note="warns at 75, pauses at 80" /></Panel>}
      {memory !== undefined && <Panel title="Memory"><Gauge value={memory.total - memory.free} max={memory.total} high={memory.total * 0.9} label={bytesText(memory.total - memory.free)} note={`of ${bytesText(memory.total)} in use`} /></Panel>}
      {npuPercent !== undefined && <Panel title="NPU"><Gauge value={npuPercent} max={100} high={100} label={`${Math.round(npuPercent)} %`} note="busy" /></Panel>}
      {cells !== undefined && <Panel title="Context"><Gauge value={cells.used} max={cells.total} high={cells.total * 0.9} label={`${cells.used}`} note={`of ${cells.total} tokens`} /></Panel>}
    </>
  );
}

function Queue({ jobs }: { readonly jobs: Health['jobs'] }) {
  const wait = jobs.queued > 0 ? `the next one begins in about ${spanText(jobs.waitMs / 1000)}` : 'nothing waits';
  return (
    <>
    <dl class="numbers">
      <div><dt>running</dt><dd>{jobs.running}</dd></div>
      <div><dt>waiting</dt><dd>{jobs.queued}</dd></div>
      <div><dt>done</dt><dd>{jobs.done}</dd></div>
      <div><dt>failed</dt><dd>{jobs.failed}</dd></div>
    </dl>
    <p class="soft">{wait}</p>
    </>
  );
}

function Errors({ state }: { readonly state: Health }) {
  if (state.errors.length === 0 && state.restarts === 0) return null;
  return (
    <Panel title="What went wrong" wide>
      <p class="soft">{state.restarts} restarts of the card process, {state.reboots} of the card</p>
      <ul class="errors">
        {state.errors.map((error, i) => <li key={i}><time>{new Date(error.atSeconds * 1000).toLocaleTimeString()}</time> {error.message}</li>)}
      </ul>
    </Panel>
  );
}

export function CardPage() {
  const loaded = useStore(health);
  if (loaded.state === 'loading') return <p class="waiting">Asking for the card’s state…</p>;
  if (loaded.state === 'failed') return <Notice title="The server does not answer"><p>{loaded.reason}</p><p class="soft">This page tries again by itself.</p></Notice>;
  const state = loaded.value;
  return (
    <div class="card-page">
      <Hero state={state} />
      <div class="panels">
        <Readings state={state} />
        <Panel title="Queue" wide><Queue jobs={state.jobs} /></Panel>
        <Panel title="Models" wide><Models models={state.models} /></Panel>
        <Errors state={state} />
      </div>
      <footer class="soft foot" title={state.library}>axle {state.version}{state.library ? ` · ${withoutFolders(state.library)}` : ''}</footer>
    </div>
  );
}
