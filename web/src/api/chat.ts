import { fields, list, number, text } from './fields';
import { ApiError, ask, errorIn, postJson } from './http';
import { readEvents } from './sse';

export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatTurn[];
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly max_completion_tokens?: number;
}

/** What an event adds to an answer. */
export interface ChatDelta {
  readonly content?: string;
  readonly reasoning?: string;
  readonly finish?: string;
  readonly tokens?: number;
  readonly tokensPerSecond?: number;
}

/** The meaning of one chat.completion.chunk; `timings` as llama-server has them. Throws ApiError for an error event. */
export function parseChunk(event: unknown): ChatDelta {
  const error = errorIn(event);
  if (error !== undefined) throw new ApiError(error, 0);
  const chunk = fields(event);
  const choice = fields(list(chunk['choices'])[0]);
  const delta = fields(choice['delta']);
  const content = text(delta['content']);
  const reasoning = text(delta['reasoning_content']);
  const finish = text(choice['finish_reason']);
  const tokens = number(fields(chunk['usage'])['completion_tokens']);
  const milliseconds = number(fields(chunk['timings'])['predicted_ms']);
  return {
    ...(content ? { content } : {}),
    ...(reasoning ? { reasoning } : {}),
    ...(finish ? { finish } : {}),
    ...(tokens !== undefined ? { tokens } : {}),
    ...(tokens && milliseconds ? { tokensPerSecond: (tokens * 1000) / milliseconds } : {}),
  };
}

/** Streams an answer. The server stops writing it when `signal` fires. Throws as `ask` does. */
export async function* streamChat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatDelta> {
  const body = { ...request, stream: true, stream_options: { include_usage: true } };
  const response = await ask('/v1/chat/completions', postJson(body, signal));
  if (response.body === null) throw new ApiError('The server sent an empty answer.', response.status);
  for await (const event of readEvents(response.body)) yield parseChunk(event);
}
