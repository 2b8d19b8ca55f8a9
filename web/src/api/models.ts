import { fields, list, number, numbers, text, texts, type Fields } from './fields';
import { askJson } from './http';

/** How the words of an answer are drawn; the names are those of a chat request. */
export interface Sampling {
  readonly temperature: number;
  readonly top_p?: number;
  readonly top_k?: number;
}

export interface TextModel {
  readonly kind: 'text';
  readonly id: string;
  readonly contextTokens: number | undefined;
  readonly sampling: Sampling;
}

// Of models whose makers advise nothing. At 1, the interface's own default, small models write nonsense.
const USUAL_TEMPERATURE = 0.7;

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface PictureModel {
  readonly kind: 'picture';
  readonly id: string;
  /** Empty where the server does not say: it then chooses itself. */
  readonly sizes: readonly Size[];
  readonly steps: readonly number[];
  readonly defaultSteps: number | undefined;
  /** 1 where it has none. */
  readonly guidanceMax: number;
  readonly edits: boolean;
}

export interface Models {
  readonly text: readonly TextModel[];
  readonly pictures: readonly PictureModel[];
}

export function parseSize(value: string): Size | undefined {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(value);
  const width = Number(match?.[1]);
  const height = Number(match?.[2]);
  return width > 0 && height > 0 ? { width, height } : undefined;
}

export function sizeName(size: Size): string {
  return `${size.width}x${size.height}`;
}

// `kind` says what a model is; a model without it is one for texts if it has a context.
function isPictureModel(model: Fields): boolean {
  const kind = text(model['kind']);
  return kind === undefined ? number(model['max_model_len']) === undefined : kind === 'picture';
}

function parseSampling(value: unknown): Sampling {
  const advice = fields(value);
  const topP = number(advice['top_p']);
  const topK = number(advice['top_k']);
  return {
    temperature: number(advice['temperature']) ?? USUAL_TEMPERATURE,
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(topK === undefined ? {} : { top_k: topK }),
  };
}

/** The models in an answer of GET /v1/models. */
export function parseModels(body: unknown): Models {
  const models: { text: TextModel[]; pictures: PictureModel[] } = { text: [], pictures: [] };
  for (const item of list(fields(body)['data'])) {
    const model = fields(item);
    const id = text(model['id']);
    if (id === undefined) continue;
    if (isPictureModel(model)) {
      const sizes = texts(model['sizes']).map(parseSize).filter((size): size is Size => size !== undefined);
      models.pictures.push({
        kind: 'picture',
        id,
        sizes,
        steps: numbers(model['steps']),
        defaultSteps: number(model['default_steps']),
        guidanceMax: number(model['guidance_max']) ?? 1,
        edits: model['edits'] !== false,
      });
    } else {
      models.text.push({ kind: 'text', id, contextTokens: number(model['max_model_len']), sampling: parseSampling(model['sampling']) });
    }
  }
  return models;
}

export async function fetchModels(): Promise<Models> {
  return parseModels(await askJson('/v1/models'));
}
