import { useEffect, useState } from 'preact/hooks';
import { announce } from '../state/announce';
import { Icon } from './icon';

// The clipboard is closed to pages that came over plain HTTP from another machine; selecting and copying is not.
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'unseen';
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  return copied;
}

async function copy(text: string): Promise<boolean> {
  if (!('clipboard' in navigator)) return copyBySelection(text);
  return navigator.clipboard.writeText(text).then(() => true, () => copyBySelection(text));
}

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const run = async () => {
    if (!(await copy(text))) return;
    setCopied(true);
    announce('Copied.');
  };
  return (
    <button type="button" class="plain small" onClick={() => void run()}>
      <Icon name={copied ? 'check' : 'copy'} />
      <span>{copied ? 'Copied' : label}</span>
    </button>
  );
}
