import { useState } from 'preact/hooks';
import type { TextModel } from '../api/models';
import { Icon } from '../parts/icon';
import { ModelSelect } from '../parts/model_select';
import { Notice } from '../parts/notice';
import { Conversation, type ChatOptions } from '../state/conversation';
import { loadModels, models } from '../state/server';
import { useStore } from '../state/store';
import { Composer } from './composer';
import { MessageList } from './message_list';
import { OptionsPanel } from './options_panel';

const conversation = new Conversation();

const EXAMPLES = [
  'Write four lines about the sea in winter.',
  'Explain what an NPU does, in plain words.',
  'Make a short shopping list for pancakes.',
] as const;

function Welcome({ onPick }: { readonly onPick: (text: string) => void }) {
  return (
    <div class="welcome">
      <h1>What is on your mind?</h1>
      <p class="soft">What you write goes to the card in this server, and nowhere else.</p>
      <ul class="examples">
        {EXAMPLES.map((example) => (
          <li key={example}><button type="button" class="example" onClick={() => onPick(example)}>{example}</button></li>
        ))}
      </ul>
    </div>
  );
}

function NoModel({ picturesOnly }: { readonly picturesOnly: boolean }) {
  return (
    <Notice title="There is no language model here">
      <p>This server serves no model that can chat{picturesOnly ? ', only ones for pictures' : ''}.</p>
      <p class="soft">Import one with <code>axle import model.gguf</code>, then start the server again.</p>
    </Notice>
  );
}

function Chat({ served }: { readonly served: readonly TextModel[] }) {
  const [options, setOptions] = useState<Omit<ChatOptions, 'sampling'>>({ model: '', system: '', temperature: undefined, maxTokens: undefined });
  const [showOptions, setShowOptions] = useState(false);
  const messages = useStore(conversation.messages);
  const writing = useStore(conversation.writing);
  const model = served.find((entry) => entry.id === options.model) ?? served[0];
  if (model === undefined) return null;
  const request: ChatOptions = { ...options, model: model.id, sampling: model.sampling };
  const send = (text: string) => void conversation.send(text, request);
  return (
    <div class="chat">
      <div class="toolbar">
        <ModelSelect ids={served.map((entry) => entry.id)} value={request.model} onChange={(id) => setOptions({ ...options, model: id })} />
        <span class="spring" />
        <button type="button" class="plain small" aria-expanded={showOptions} onClick={() => setShowOptions(!showOptions)}>
          <Icon name="options" /><span>Options</span>
        </button>
        <button type="button" class="plain small" disabled={messages.length === 0} onClick={() => conversation.clear()}>
          <Icon name="bin" /><span>New chat</span>
        </button>
      </div>
      {showOptions && <OptionsPanel options={options} model={model} onChange={setOptions} />}
      {messages.length === 0
        ? <Welcome onPick={send} />
        : <MessageList messages={messages} onAgain={() => void conversation.again(request)} />}
      <Composer writing={writing} onSend={send} onStop={() => conversation.stop()} />
    </div>
  );
}

export function ChatPage() {
  const loaded = useStore(models);
  if (loaded.state === 'loading') return <p class="waiting">Asking which models there are…</p>;
  if (loaded.state === 'failed') {
    return (
      <Notice title="The models cannot be listed">
        <p>{loaded.reason}</p>
        <button type="button" class="primary" onClick={() => void loadModels()}>Try again</button>
      </Notice>
    );
  }
  if (loaded.value.text.length === 0) return <NoModel picturesOnly={loaded.value.pictures.length > 0} />;
  return <Chat served={loaded.value.text} />;
}
