import type { RequestContext } from '../../request-context.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { ModelFacts, TextModels } from '../text/text-models.ts';

function modelEntry({ id, plugin_id, registered_at, tasks }: ModelFacts) {
  return {
    ...{ id, object: 'model', owned_by: plugin_id },
    created: Math.floor(Date.parse(registered_at) / 1000),
    // Beside what OpenAI has: what it can be asked for.
    tasks: tasks.map(({ name }) => name),
  };
}

/** GET /v1/models. */
export function listModels(models: TextModels, context: RequestContext): ApiReply {
  return {
    async whole() {
      return { object: 'list', data: (await models.list(context)).map(modelEntry) };
    },
  };
}

/** GET /v1/models/{id}. */
export function getModel(models: TextModels, id: string, context: RequestContext): ApiReply {
  return {
    async whole() {
      return modelEntry(await models.get(id, context));
    },
  };
}
