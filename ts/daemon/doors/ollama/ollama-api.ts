import { errorCodes } from '../../../protocol/error-codes.ts';
import { productVersion } from '../../../protocol/version.ts';
import type { TextApi } from '../text/text-api.ts';
import type { TextModels } from '../text/text-models.ts';
import { chat } from './chat.ts';
import { embed, embedOne } from './embed.ts';
import { generate } from './generate.ts';
import { copy, remove } from './manage.ts';
import { running, show, tags } from './models.ts';
import { inOllamasWords } from './parameters.ts';
import { pull } from './pull.ts';
import type { Puller } from './puller.ts';

/** Ollama's API under /api, as its unmodified clients speak it. */
export function ollamaApi(models: TextModels, puller: Puller): TextApi {
  const post = (path: string, run: typeof chat) => ({
    ...{ verb: 'POST' as const, path },
    answer: (...[body, _, context]: Parameters<TextApi['routes'][number]['answer']>) =>
      run(models, body, context),
  });
  return {
    ...{ name: 'ollama', docs: 'docs/ollama.md' },
    owns: (path) => path.startsWith('/api/') || path === '/api',
    routes: [
      post('/api/chat', chat),
      post('/api/generate', generate),
      post('/api/embed', embed),
      post('/api/embeddings', embedOne),
      post('/api/show', show),
      {
        ...{ verb: 'POST', path: '/api/pull' },
        answer: (body, _, context) => pull(models, puller, body, context),
      },
      post('/api/copy', copy),
      { ...post('/api/delete', remove), verb: 'DELETE' },
      {
        ...{ verb: 'GET', path: '/api/tags' },
        answer: (_, __, context) => tags(models, context),
      },
      {
        ...{ verb: 'GET', path: '/api/ps' },
        answer: (_, __, context) => running(models, context),
      },
      {
        ...{ verb: 'GET', path: '/api/version' },
        answer: () => ({ whole: async () => ({ version: productVersion }) }),
      },
    ],
    stream: 'lines of JSON',
    streamEnd: null,
    status: ({ code }) => errorCodes[code].http,
    error: ({ message }) => ({ error: inOllamasWords(message) }),
  };
}
