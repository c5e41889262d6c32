import type { ApiRoute, TextApi } from '../text/text-api.ts';
import type { TextModels } from '../text/text-models.ts';
import { chatCompletion } from './chat.ts';
import { completion } from './completions.ts';
import { embeddings, rerank } from './embeddings.ts';
import { getModel, listModels } from './models.ts';
import { response } from './responses.ts';
import { openaiError, openaiStatus } from './status.ts';
import { transcription } from './transcriptions.ts';

/** OpenAI's API under /v1, as its unmodified clients speak it. */
export function openaiApi(models: TextModels): TextApi {
  const listens = (path: string, translate: boolean): ApiRoute => ({
    ...{ verb: 'POST', path, takesForm: true },
    answer: (body, _, context) => transcription(models, { body, translate }, context),
  });
  return {
    ...{ name: 'openai', docs: 'docs/openai.md' },
    owns: (path) => path.startsWith('/v1/') || path === '/v1',
    routes: [
      {
        ...{ verb: 'POST', path: '/v1/chat/completions' },
        answer: (body, _, context) => chatCompletion(models, body, context),
      },
      {
        ...{ verb: 'POST', path: '/v1/responses' },
        answer: (body, _, context) => response(models, body, context),
      },
      {
        ...{ verb: 'POST', path: '/v1/completions' },
        answer: (body, _, context) => completion(models, body, context),
      },
      {
        ...{ verb: 'POST', path: '/v1/embeddings' },
        answer: (body, _, context) => embeddings(models, body, context),
      },
      {
        ...{ verb: 'POST', path: '/v1/rerank' },
        answer: (body, _, context) => rerank(models, body, context),
      },
      listens('/v1/audio/transcriptions', false),
      listens('/v1/audio/translations', true),
      {
        ...{ verb: 'GET', path: '/v1/models' },
        answer: (_, __, context) => listModels(models, context),
      },
      {
        ...{ verb: 'GET', path: '/v1/models/' },
        answer: (_, id, context) => getModel(models, id, context),
      },
    ],
    stream: 'server-sent events',
    streamEnd: '[DONE]',
    status: ({ code }) => openaiStatus(code),
    error: openaiError,
  };
}
