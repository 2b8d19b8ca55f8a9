import { CopyButton } from '../parts/copy_button';
import { Icon } from '../parts/icon';
import { Markdown } from '../parts/markdown';
import type { Answer, Message } from '../state/conversation';

interface MessageProps {
  readonly message: Message;
  /** Only for the last one. */
  readonly onAgain?: () => void;
}

/** How an answer ended, in a few words. */
export function outcome(answer: Answer): string {
  const parts: string[] = [];
  if (answer.state === 'stopped') parts.push('stopped');
  if (answer.finish === 'length') parts.push('cut off at the longest length');
  if (answer.tokens !== undefined) parts.push(`${answer.tokens} tokens`);
  if (answer.tokensPerSecond !== undefined) parts.push(`${answer.tokensPerSecond.toFixed(1)} tokens/s`);
  return parts.join(' · ');
}

function Thoughts({ answer }: { readonly answer: Answer }) {
  if (answer.reasoning === '') return null;
  return (
    <details class="thoughts" open={answer.content === '' && answer.state === 'writing'}>
      <summary>{answer.content === '' && answer.state === 'writing' ? 'Thinking…' : 'Thoughts'}</summary>
      <p>{answer.reasoning}</p>
    </details>
  );
}

function AnswerView({ answer, onAgain }: { readonly answer: Answer; readonly onAgain: (() => void) | undefined }) {
  const writing = answer.state === 'writing';
  return (
    <li class={`message answer${writing ? ' writing' : ''}`}>
      <span class="unseen">Answer</span>
      <Thoughts answer={answer} />
      {answer.content === '' && answer.reasoning === '' && writing
        ? <p class="typing" aria-label="The model is reading"><i /><i /><i /></p>
        : <Markdown text={answer.content} />}
      {answer.error !== undefined && <p class="problem" role="alert">{answer.error}</p>}
      {!writing && (
        <div class="message-tools">
          {answer.content !== '' && <CopyButton text={answer.content} label="Copy" />}
          {onAgain && <button type="button" class="plain small" onClick={onAgain}><Icon name="again" /><span>Again</span></button>}
          <span class="outcome">{outcome(answer)}</span>
        </div>
      )}
    </li>
  );
}

export function MessageView({ message, onAgain }: MessageProps) {
  if (message.role === 'assistant') return <AnswerView answer={message} onAgain={onAgain} />;
  return <li class="message question"><span class="unseen">You</span>{message.content}</li>;
}
