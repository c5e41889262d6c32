import { join } from 'node:path';
import type { RequestContext } from '../../request-context.ts';
import type { Fields } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { ModelFacts, TextModels } from '../text/text-models.ts';
import { modelOf, namedModel } from './names.ts';

/** DELETE /api/delete. */
export function remove(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const { id } = modelOf(body);
  return {
    async whole() {
      await models.call('models.unregister', { model_id: id }, context);
      return { status: 'success' };
    },
  };
}

/** The same files under another id. */
function sameAs(model: ModelFacts): Fields {
  const { path, file, manifest_path: manifest, description, framework } = model;
  return {
    ...(manifest === null
      ? { path: join(path, file), execution_format: model.execution_format }
      : { path, manifest_path: manifest }),
    ...{ plugin_id: model.plugin_id, isolation: model.isolation, engine: model.engine },
    ...(description === null ? {} : { description }),
    ...(framework === null ? {} : { framework }),
    // As of the source: it is loaded by its first request.
    load: false,
  };
}

/** POST /api/copy. */
export function copy(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const source = namedModel('source', body['source']);
  const destination = namedModel('destination', body['destination']);
  return {
    async whole() {
      const model = await models.get(source.id, context);
      const params = { ...sameAs(model), model_id: destination.id };
      await models.call('models.register', params, context);
      return { status: 'success' };
    },
  };
}
