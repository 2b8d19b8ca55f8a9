import { useState } from 'preact/hooks';
import { keyQuestion, type KeyQuestion } from '../state/key';
import { useStore } from '../state/store';
import { Dialog } from './dialog';

function KeyForm({ question }: { readonly question: KeyQuestion }) {
  const [key, setKey] = useState('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (key.trim() !== '') question.answer(key.trim());
  };
  return (
    <Dialog label="API key" class="key-dialog" onClose={() => question.answer(undefined)}>
      <form onSubmit={submit}>
        <h2>This server wants a key</h2>
        <p class="soft">{question.message}</p>
        <label class="field">
          <span>API key</span>
          <input type="password" autocomplete="off" value={key} onInput={(event) => setKey(event.currentTarget.value)} autofocus />
        </label>
        <p class="hint">It is kept in this tab alone, until the tab is closed.</p>
        <div class="row end">
          <button type="button" class="quiet" onClick={() => question.answer(undefined)}>Not now</button>
          <button type="submit" class="primary" disabled={key.trim() === ''}>Use this key</button>
        </div>
      </form>
    </Dialog>
  );
}

/** Asks for a key when a request needs one. */
export function KeyDialog() {
  const question = useStore(keyQuestion);
  return question === undefined ? null : <KeyForm question={question} />;
}
