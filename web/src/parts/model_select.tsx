interface ModelSelectProps {
  readonly ids: readonly string[];
  readonly value: string;
  readonly onChange: (id: string) => void;
}

/** Which model answers: a choice where there are several, its name where there is one. */
export function ModelSelect({ ids, value, onChange }: ModelSelectProps) {
  if (ids.length === 1) return <span class="model-name" title="Model">{ids[0]}</span>;
  return (
    <select class="model-select" aria-label="Model" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {ids.map((id) => <option key={id} value={id}>{id}</option>)}
    </select>
  );
}
