import { MlosError } from '../../protocol/errors.ts';
import { type ModelReference, servePlugin } from '../../smi/serve.ts';
import { EmbeddingModel } from './embedding-model.ts';
import { readGgufFacts, toldFacts } from './gguf-facts.ts';
import { llamaVersion, type Model, openLlamaCpp } from './llama-cpp.ts';
import { RankingModel } from './ranking-model.ts';
import type { TaskModel } from './task-model.ts';
import { TextModel } from './text-model.ts';

/*
 * The built-in GGUF plugin: llama.cpp on the CPU. Its models take no tensors; each does the task that its file
 * says it is for.
 */
interface Loaded {
  readonly model: Model;
  readonly does: TaskModel;
}

const models = new Map<string, Loaded>();

function threadsOf({ options }: ModelReference): number {
  const { intra_op_threads: threads, ...others } = options;
  const [strange] = Object.keys(others);
  if (strange !== undefined) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `The gguf plugin has no option ${JSON.stringify(strange)}. Known: intra_op_threads.`,
    );
  }
  return typeof threads === 'number' ? threads : 0;
}

async function load(reference: ModelReference): Promise<Loaded> {
  const { modelId, file } = reference;
  const threads = threadsOf(reference);
  const llamaCpp = await openLlamaCpp(threads);
  const model = await llamaCpp.llama.loadModel({ modelPath: file, gpuLayers: 0 });
  try {
    const facts = readGgufFacts(model);
    switch (facts.task) {
      case 'feature-extraction':
        return { model, does: await EmbeddingModel.open(modelId, { model, facts, threads }) };
      case 'text-ranking':
        return { model, does: await RankingModel.open(modelId, model, threads) };
      case 'text-generation':
        return { model, does: await TextModel.open(modelId, { llamaCpp, model, facts, threads }) };
    }
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

async function unload(modelId: string): Promise<void> {
  const loaded = models.get(modelId);
  models.delete(modelId);
  await loaded?.does.close();
  await loaded?.model.dispose();
}

const version = llamaVersion();

servePlugin({
  name: 'gguf',
  version: '1.0.0',
  frameworks: ['gguf'],
  formats: ['gguf'],
  dtypes: [],
  runner: version === null ? 'llama.cpp (not installed)' : `llama.cpp (node-llama-cpp ${version})`,
  async loadModel(reference) {
    const { modelId } = reference;
    const loaded = await load(reference);
    await unload(modelId);
    models.set(modelId, loaded);
    const facts = readGgufFacts(loaded.model);
    const { library } = await openLlamaCpp(threadsOf(reference));
    const { entry } = loaded.does;
    return {
      signature: { inputs: [], outputs: [] },
      tasks: [{ ...entry, facts: { ...entry.facts, ...toldFacts(facts, library) } }],
      metadata: { architecture: facts.architecture },
    };
  },
  unloadModel: unload,
  runTask(request) {
    const does = models.get(request.modelId)?.does;
    if (does !== undefined && does.task === request.task) return does.run(request);
    throw new MlosError('UNIMPLEMENTED', `${request.modelId} cannot do ${request.task}.`);
  },
  infer({ modelId }) {
    throw new MlosError(
      'UNIMPLEMENTED',
      `${modelId} is a GGUF model, which takes words and no tensors.`,
    );
  },
});
