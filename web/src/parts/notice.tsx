import type { ComponentChildren } from 'preact';

/** A plain word on why something is not there, and what to do. */
export function Notice({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="notice">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
