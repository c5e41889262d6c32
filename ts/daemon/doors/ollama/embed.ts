import type { RequestContext } from '../../request-context.ts';
import { type Fields, given, invalid } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { TextModels } from '../text/text-models.ts';
import { keepAliveOf } from './keep-alive.ts';
import { modelOf, type NamedModel } from './names.ts';
import { load, unloadBehind } from './residence.ts';
import { nanoseconds } from './timing.ts';

interface Embedded {
  readonly embedding: ArrayLike<number>;
  readonly tokens: number;
}

async function embedded(
  models: TextModels,
  of: { readonly model: NamedModel; readonly body: Fields; readonly texts: readonly string[] },
  context: RequestContext,
) {
  const { model, body, texts } = of;
  const keepAlive = keepAliveOf(body);
  const unloads = keepAlive === 0;
  const start = performance.now();
  await load(models, model.id, context, keepAlive);
  const loaded = performance.now();
  const call = {
    ...{ model: model.id, task: 'feature-extraction' as const, inputs: { text: texts } },
    parameters: { dimensions: given(body['dimensions']), truncate: given(body['truncate']) },
  };
  // No text at all: the request is for the model to be loaded.
  const answers =
    texts.length === 0 ? [] : ((await models.ask(call, context)) as readonly Embedded[]);
  const end = performance.now();
  if (unloads) await unloadBehind(models, model.id, context);
  return {
    vectors: answers.map(({ embedding }) => Array.from(embedding)),
    tokens: answers.reduce((sum, one) => sum + one.tokens, 0),
    times: {
      total_duration: nanoseconds(start, end),
      load_duration: nanoseconds(start, loaded),
    },
  };
}

function textsOf(input: unknown): string[] {
  const texts = [given(input) ?? []].flat();
  if (texts.every((one) => typeof one === 'string'))
    return texts.length === 1 && texts[0] === '' ? [] : texts;
  throw invalid('input', 'a text or a list of texts');
}

/** POST /api/embed. */
export function embed(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const model = modelOf(body);
  const texts = textsOf(body['input']);
  return {
    async whole() {
      const { vectors, tokens, times } = await embedded(models, { model, body, texts }, context);
      return { model: model.name, embeddings: vectors, ...times, prompt_eval_count: tokens };
    },
  };
}

/** POST /api/embeddings: the older form, of one text. */
export function embedOne(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const model = modelOf(body);
  const prompt = given(body['prompt']) ?? '';
  if (typeof prompt !== 'string') throw invalid('prompt', 'a text');
  const texts = prompt === '' ? [] : [prompt];
  return {
    async whole() {
      const { vectors } = await embedded(models, { model, body, texts }, context);
      return { embedding: vectors[0] ?? [] };
    },
  };
}
