import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/icon';
import type { Message } from '../state/conversation';
import { MessageView } from './message_view';

const NEAR_END_PX = 80;

function isAtEnd(element: HTMLElement): boolean {
  return element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
}

/** The conversation. It follows the text that is being written, unless the reader has gone up. */
export function MessageList({ messages, onAgain }: { readonly messages: readonly Message[]; readonly onAgain: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });
  useEffect(() => {
    if (atEnd) toEnd();
  }, [messages, atEnd]);
  useEffect(() => setAtEnd(true), [messages.length]);
  return (
    <div class="messages-frame">
      <div ref={box} class="messages" role="log" aria-live="off" aria-label="Conversation" tabIndex={0}
        onScroll={(event) => setAtEnd(isAtEnd(event.currentTarget))}>
        <ol class="message-column">
          {messages.map((message, index) => (
            <MessageView key={index} message={message} {...(index === messages.length - 1 ? { onAgain } : {})} />
          ))}
        </ol>
      </div>
      {!atEnd && (
        <button type="button" class="to-end" aria-label="To the end" onClick={() => { setAtEnd(true); toEnd(); }}><Icon name="down" /></button>
      )}
    </div>
  );
}
