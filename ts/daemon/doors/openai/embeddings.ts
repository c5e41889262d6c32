import type { RequestContext } from '../../request-context.ts';
import { type Fields, given, invalid, unsupported } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { TextModels } from '../text/text-models.ts';
import { modelOf, textsOf } from './read-request.ts';

interface Embedded {
  readonly embedding: ArrayLike<number>;
  readonly tokens: number;
}

function base64(embedding: ArrayLike<number>): string {
  // float32, little endian: what OpenAI's clients decode.
  return Buffer.from(Float32Array.from(embedding).buffer).toString('base64');
}

/** POST /v1/embeddings. */
export function embeddings(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const model = modelOf(body);
  const texts = textsOf('input', body['input']);
  const format = given(body['encoding_format']) ?? 'float';
  if (format !== 'float' && format !== 'base64') {
    throw invalid('encoding_format', '"float" or "base64"');
  }
  const call = {
    ...{ model, task: 'feature-extraction' as const, inputs: { text: texts } },
    parameters: {
      dimensions: given(body['dimensions']),
      // As OpenAI has it: a text that is too long is an error. Local servers take this field.
      truncate: given(body['truncate']) ?? false,
    },
  };
  return {
    async whole() {
      const answers = (await models.ask(call, context)) as readonly Embedded[];
      const tokens = answers.reduce((sum, one) => sum + one.tokens, 0);
      return {
        object: 'list',
        data: answers.map(({ embedding }, index) => ({
          ...{ object: 'embedding', index },
          embedding: format === 'base64' ? base64(embedding) : Array.from(embedding),
        })),
        model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      };
    },
  };
}

interface Ranked {
  readonly ranking: readonly { readonly index: number; readonly score: number }[];
  readonly tokens: number;
}

/** A document is a text, or an object with one. */
function documentText(document: unknown, index: number): string {
  const text = typeof document === 'string' ? document : (document as Fields | null)?.['text'];
  if (typeof text === 'string') return text;
  throw invalid(`documents[${index}]`, 'a text or {"text"}');
}

/** POST /v1/rerank, in the form of Jina and Cohere that local servers share. */
export function rerank(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const model = modelOf(body);
  const { query, documents } = body;
  if (typeof query !== 'string') throw invalid('query', 'a text');
  if (!Array.isArray(documents) || documents.length === 0) {
    throw invalid('documents', 'a list of texts');
  }
  if (given(body['max_chunks_per_doc']) !== undefined) {
    throw unsupported('max_chunks_per_doc', 'a document is read up to what the model takes.');
  }
  const texts = documents.map(documentText);
  const call = {
    ...{ model, task: 'text-ranking' as const, inputs: { query, documents: texts } },
    parameters: { top_k: given(body['top_n']) },
  };
  return {
    async whole() {
      const { ranking, tokens } = (await models.ask(call, context)) as Ranked;
      return {
        model,
        usage: { total_tokens: tokens },
        results: ranking.map(({ index, score }) => ({
          ...{ index, relevance_score: score },
          ...(body['return_documents'] === true ? { document: { text: texts[index] } } : {}),
        })),
      };
    },
  };
}
