import { join } from 'node:path';
import { MlosError } from '../../../protocol/errors.ts';
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

/** POST /api/pull: of a model that is here already; the daemon fetches nothing. */
export function pull(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const { id } = modelOf(body);
  async function found() {
    try {
      await models.get(id, context);
    } catch (thrown) {
      const error = MlosError.from(thrown);
      if (error.code !== 'MODEL_NOT_FOUND') throw error;
      const shown = id.slice(0, 256);
      throw new MlosError(
        'UNIMPLEMENTED',
        `No model ${JSON.stringify(shown)} is registered, and the daemon fetches none; run: axon install ${shown}`,
      );
    }
  }
  if (body['stream'] === false) {
    return {
      async whole() {
        await found();
        return { status: 'success' };
      },
    };
  }
  async function* lines() {
    yield { status: 'success' };
  }
  return { begun: found(), events: lines };
}
