import { fetchHealth, type Health } from '../api/health';
import { explain } from '../api/http';
import { fetchModels, type Models } from '../api/models';
import { Store } from './store';

export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'here'; readonly value: T }
  | { readonly state: 'failed'; readonly reason: string };

const HEALTH_EVERY_MS = 4000;

export const health = new Store<Loaded<Health>>({ state: 'loading' });
export const models = new Store<Loaded<Models>>({ state: 'loading' });

export function here<T>(loaded: Loaded<T>): T | undefined {
  return loaded.state === 'here' ? loaded.value : undefined;
}

async function load<T>(store: Store<Loaded<T>>, fetchIt: () => Promise<T>): Promise<void> {
  try {
    store.set({ state: 'here', value: await fetchIt() });
  } catch (error) {
    store.set({ state: 'failed', reason: explain(error) });
  }
}

export const loadModels = (): Promise<void> => load(models, fetchModels);

// The names and states of the served models: when they change, so may the list.
function modelStates(): string {
  return (here(health.get())?.models ?? []).map((model) => `${model.name} ${model.state}`).join('\n');
}

/** Reads the models, and the card's state every few seconds while the page can be seen. */
export function startServer(): void {
  void loadModels();
  let known = '';
  const look = async (): Promise<void> => {
    if (document.visibilityState === 'hidden') return;
    await load(health, fetchHealth);
    const states = modelStates();
    const changed = known !== '' && states !== '' && states !== known;
    if (changed || (states !== '' && models.get().state === 'failed')) void loadModels();
    if (states !== '') known = states;
  };
  void look();
  setInterval(() => void look(), HEALTH_EVERY_MS);
  document.addEventListener('visibilitychange', () => void look());
}
