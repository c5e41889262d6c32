import type { Engine, PipelineGraph } from '../../native/engine.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { ModelOptions, PipelineOption } from './model-options.ts';
import type { EngineModel } from './runner.ts';

/** Models of this process that run one after the other as one. Errors: MODEL_LOAD_FAILED. */
export async function openPipeline(
  engine: Engine,
  pipeline: PipelineOption,
  models: ReadonlyMap<string, EngineModel>,
  options: ModelOptions,
): Promise<EngineModel> {
  const steps: PipelineGraph['steps'] = pipeline.steps.map(({ model, inputs, outputs }) => {
    const found = models.get(model);
    if (found === undefined) {
      throw new MlosError('MODEL_LOAD_FAILED', `The step ${model} is not loaded in this process.`);
    }
    return { handle: found.added.handle, name: model, inputs, outputs };
  });
  const { inputs, outputs } = pipeline;
  const onLoop = pipeline.steps.some(({ model }) => models.get(model)?.onLoop === true);
  const added = await engine.addPipeline({ inputs, outputs, steps }, options.engine);
  return { added, onLoop, release: () => Promise.resolve() };
}
