import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/icon';

interface ComposerProps {
  readonly writing: boolean;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
}

// On a phone the key makes a new line, as everywhere there.
function enterSends(): boolean {
  return !matchMedia('(pointer: coarse)').matches;
}

export function Composer({ writing, onSend, onStop }: ComposerProps) {
  const [text, setText] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  const send = () => {
    if (writing || text.trim() === '') return;
    onSend(text.trim());
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && writing) onStop();
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || !enterSends()) return;
    event.preventDefault();
    send();
  };
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <div class="composer-box">
        <textarea ref={area} rows={1} aria-label="Message" placeholder="Write a message" value={text}
          onInput={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown} />
        {writing
          ? <button type="button" class="primary round" aria-label="Stop the answer" title="Stop (Escape)" onClick={onStop}><Icon name="stop" /></button>
          : <button type="submit" class="primary round" aria-label="Send" title="Send (Enter)" disabled={text.trim() === ''}><Icon name="send" /></button>}
      </div>
    </form>
  );
}
