import type { Engine, EngineModelOptions } from '../../native/engine.ts';
import { MlosError } from '../../protocol/errors.ts';
import { type ModelReference, servePlugin } from '../../smi/serve.ts';
import { type LoadedModel, openLoaded, pairOf, removeLoaded } from './loaded-model.ts';
import { readModelOptions } from './model-options.ts';
import { ortVersion } from './ort-package.ts';
import { ModelTasks } from './tasks/model-tasks.ts';

/*
 * The built-in ONNX plugin: puts models into the engine of this process; requests come through channels.
 */
let engine: Engine | null = null;
const models = new Map<string, LoadedModel>();
const tasks = new Map<string, ModelTasks>();

function requireEngine(): Engine {
  if (engine !== null) return engine;
  throw new MlosError('UNIMPLEMENTED', 'The onnx plugin needs a daemon that offers an engine.');
}

/** Null: it can do none. A model that holds this loop up while it runs would wait for itself. */
function tasksOf(
  reference: ModelReference,
  loaded: LoadedModel,
  engineOptions: EngineModelOptions,
): ModelTasks | null {
  if (loaded.model.onLoop || loaded.other?.onLoop === true) return null;
  const parts = { added: loaded.model.added, pair: pairOf(loaded, reference.file), engineOptions };
  const found = new ModelTasks(requireEngine(), reference, parts);
  return found.entries.length === 0 ? null : found;
}

async function forgetTasks(modelId: string): Promise<void> {
  const own = tasks.get(modelId);
  tasks.delete(modelId);
  await own?.close();
}

servePlugin({
  name: 'onnx',
  version: '1.0.0',
  frameworks: ['onnx', 'pytorch', 'tensorflow', 'scikit-learn'],
  formats: ['onnx', 'pipeline'],
  dtypes: [
    'float32',
    'float64',
    'float16',
    'int8',
    'int16',
    'int32',
    'int64',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
    'bool',
    'string',
  ],
  runner: `ONNX Runtime ${ortVersion()}`,
  engine: true,
  initialize(context) {
    engine = context.engine;
  },
  cleanup() {
    engine?.close();
  },
  async loadModel(reference) {
    const { modelId, file, options } = reference;
    const read = readModelOptions(options);
    const loaded = await openLoaded(requireEngine(), file, read, models);
    let own: ModelTasks | null = null;
    try {
      if (read.pipeline === null) own = tasksOf(reference, loaded, read.engine);
    } catch (error) {
      await removeLoaded(requireEngine(), loaded);
      throw error;
    }
    const before = models.get(modelId);
    await forgetTasks(modelId);
    models.set(modelId, loaded);
    if (own !== null) tasks.set(modelId, own);
    if (before !== undefined) await removeLoaded(requireEngine(), before);
    const { added, onLoop } = loaded.model;
    const { handle, signature, runner, measures } = added;
    return {
      signature,
      engine: {
        handle,
        runner,
        measures: [...measures],
        ...(onLoop ? { on_loop: true } : {}),
      },
      ...(own === null ? {} : { tasks: own.entries }),
    };
  },
  async unloadModel(modelId) {
    const loaded = models.get(modelId);
    await forgetTasks(modelId);
    models.delete(modelId);
    if (loaded !== undefined) await removeLoaded(requireEngine(), loaded);
  },
  runTask(request) {
    const own = tasks.get(request.modelId);
    if (own !== undefined) return own.run(request);
    throw new MlosError('UNIMPLEMENTED', `${request.modelId} can do no tasks, only tensors.`);
  },
  getModelInfo(modelId) {
    const added = models.get(modelId)?.model.added;
    if (added === undefined) {
      throw new MlosError('FAILED_PRECONDITION', `${modelId} is not loaded in this process.`);
    }
    return { runner: added.runner, measures: added.measures };
  },
});
