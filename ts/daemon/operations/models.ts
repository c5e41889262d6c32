import type { ModelRecord } from '../registry/model-record.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { type ModelRooms, modelInfo, namedModel } from './model-info.ts';
import type { Operations } from './operation.ts';
import { assertNoStep } from './pipelines.ts';
import { readyWithin } from './ready-model.ts';

type ModelOperations = Pick<
  Operations,
  'models.list' | 'models.get' | 'models.load' | 'models.unload' | 'models.unregister'
>;

export function modelOperations(
  deps: ModelRooms & { readonly registry: ModelRegistry; readonly loadWaitMs: number },
): ModelOperations {
  const { registry, lifecycle, keepAlive } = deps;

  function answer(record: ModelRecord, message: string) {
    const model = modelInfo(registry.find(record.id) ?? record, deps);
    return { status: 'success' as const, model_id: record.id, message, model };
  }

  return {
    'models.list': () => {
      const models = registry.list().map((record) => modelInfo(record, deps));
      return { status: 'success', models, total: models.length };
    },
    'models.get': (params) => ({
      status: 'success',
      model: modelInfo(namedModel(registry, params), deps),
    }),
    'models.load': async (params, context) => {
      const record = namedModel(registry, params);
      await readyWithin(deps, record, context);
      const { keep_alive_ms: keep } = params;
      if (keep === undefined) keepAlive.touch(record.id);
      else keepAlive.set(record.id, keep);
      return answer(record, 'Model loaded');
    },
    'models.unload': async (params) => {
      const record = namedModel(registry, params);
      await lifecycle.change(record.id, (held) => {
        assertNoStep(deps, record.id, 'unload', false);
        return held.unload();
      });
      return answer(record, 'Model unloaded');
    },
    'models.unregister': async ({ model_id }) => {
      const { id } = registry.resolve(model_id);
      await lifecycle.change(id, async (held) => {
        // Whoever waited behind another unregister finds it gone.
        registry.resolve(id);
        assertNoStep(deps, id, 'unregister', true);
        await held.unload();
        registry.remove(id);
        keepAlive.forget(id);
      });
      return { status: 'success', model_id: id, message: 'Model unregistered' };
    },
  };
}
