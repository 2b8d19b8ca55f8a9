import type { TextModel } from '../api/models';
import type { ChatOptions } from '../state/conversation';

type Options = Omit<ChatOptions, 'sampling'>;

interface OptionsPanelProps {
  readonly options: Options;
  readonly model: TextModel;
  readonly onChange: (options: Options) => void;
}

function optional(value: string): number | undefined {
  const parsed = Number(value);
  return value.trim() === '' || !Number.isFinite(parsed) ? undefined : parsed;
}

export function OptionsPanel({ options, model: { contextTokens, sampling }, onChange }: OptionsPanelProps) {
  return (
    <div class="options" role="group" aria-label="Options">
      <label class="field wide">
        <span>Instructions for every answer</span>
        <textarea rows={2} value={options.system} placeholder="You answer briefly and kindly."
          onInput={(event) => onChange({ ...options, system: event.currentTarget.value })} />
      </label>
      <label class="field">
        <span>Temperature</span>
        <input type="number" min="0" max="2" step="0.1" placeholder={`${sampling.temperature}, as usual`} value={options.temperature ?? ''}
          onInput={(event) => onChange({ ...options, temperature: optional(event.currentTarget.value) })} />
      </label>
      <label class="field">
        <span>Longest answer, tokens</span>
        <input type="number" min="1" step="1" placeholder={contextTokens === undefined ? 'no limit' : `up to ${contextTokens}`}
          value={options.maxTokens ?? ''} onInput={(event) => onChange({ ...options, maxTokens: optional(event.currentTarget.value) })} />
      </label>
    </div>
  );
}
