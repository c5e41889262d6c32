import { MlosError } from '../../protocol/errors.ts';
import type { ManifestPipeline } from '../../protocol/manifest.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { ModelRecord } from '../registry/model-record.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';

type Draft = Pick<ModelRecord, 'id' | 'pluginId' | 'isolation'>;

function refuse(step: number, what: string): never {
  throw new MlosError('INVALID_MANIFEST', `spec.pipeline: step ${step + 1}: ${what}`);
}

function stepModel(registry: ModelRegistry, pipeline: Draft, index: number, name: string) {
  let found: ModelRecord;
  try {
    found = registry.resolve(name);
  } catch (error) {
    return refuse(index, MlosError.from(error).message);
  }
  const { id } = found;
  if (id === pipeline.id || found.pipeline !== undefined)
    refuse(index, `${id} is a pipeline; a step is a model of its own.`);
  if (found.pluginId !== pipeline.pluginId)
    refuse(index, `${id} runs in plugin ${found.pluginId}, the pipeline in ${pipeline.pluginId}.`);
  if (found.isolation === 'model' || pipeline.isolation === 'model')
    refuse(index, `${id} and the pipeline share a process: register both with isolation "plugin".`);
  return found;
}

/** The pipeline with its steps' ids written out. Errors: INVALID_MANIFEST. */
export function resolvePipeline(
  registry: ModelRegistry,
  draft: Draft,
  pipeline: ManifestPipeline,
): ManifestPipeline {
  const steps = pipeline.steps.map((step, index) => {
    return { ...step, model: stepModel(registry, draft, index, step.model).id };
  });
  return { ...pipeline, steps };
}

const inUse = new Set(['loading', 'ready', 'draining']);

interface PipelineRooms {
  readonly registry: ModelRegistry;
  readonly lifecycle: Lifecycle;
}

/** A pipeline that the model is a step of: one that is loaded, or (`ever`) any. */
export function pipelineOver(
  { registry, lifecycle }: PipelineRooms,
  id: string,
  ever: boolean,
): ModelRecord | undefined {
  const isOver = ({ pipeline }: ModelRecord) => pipeline?.steps.some(({ model }) => model === id);
  return registry
    .list()
    .find((record) => isOver(record) && (ever || inUse.has(lifecycle.state(record).status)));
}

/**
 * Whether a model can go, or become another one. Errors: FAILED_PRECONDITION where it is a step of a
 * pipeline: of one that is loaded, or (`ever`) of any.
 */
export function assertNoStep(rooms: PipelineRooms, id: string, what: string, ever: boolean): void {
  const over = pipelineOver(rooms, id, ever);
  if (over === undefined) return;
  throw new MlosError(
    'FAILED_PRECONDITION',
    `${id} is a step of the pipeline ${over.id}: ${what} that first.`,
    { details: { pipeline: over.id } },
  );
}
