import { useEffect, useReducer } from 'preact/hooks';

type Listener = () => void;

/** A value that tells when it is replaced. */
export class Store<T> {
  private readonly listeners = new Set<Listener>();

  constructor(private value: T) {}

  get(): T {
    return this.value;
  }

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.value));
  }

  /** Calls `listener` after each change; the returned function ends that. */
  subscribe(listener: Listener): Listener {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** The newest value; draws again at most once a frame, however fast tokens come. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const drawn = store.get();
  useEffect(() => {
    let frame = 0;
    const later = () => {
      if (frame === 0) frame = requestAnimationFrame(() => { frame = 0; redraw(undefined); });
    };
    if (store.get() !== drawn) later(); // It changed between drawing and this effect.
    const end = store.subscribe(later);
    return () => {
      end();
      cancelAnimationFrame(frame);
    };
  }, [store]);
  return drawn;
}
