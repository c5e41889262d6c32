import { exampleInputs } from '../../protocol/example-inputs.ts';
import type { ManifestPipeline } from '../../protocol/manifest.ts';
import type { EngineOptionsWire } from '../../protocol/methods/engine-options.ts';
import type { ModelInfoWire } from '../../protocol/methods/model-info.ts';
import type { Signature, TensorSpec } from '../../protocol/tensor.ts';
import type { HostPool } from '../lifecycle/host-pool.ts';
import type { KeepAlive } from '../lifecycle/keep-alive.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { engineModelFacts } from '../plugin/engine-facts.ts';
import type { ModelEngineOptions, ModelRecord } from '../registry/model-record.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { origin, postJson } from './example-command.ts';
import { inferenceEndpoint } from './inference-endpoint.ts';
import type { ServiceState } from './service.ts';
import { taskInfo } from './tasks/task-info.ts';

type SignatureWire = NonNullable<ModelInfoWire['signature']>;

function wireSpec(spec: TensorSpec): SignatureWire['inputs'][number] {
  return {
    name: spec.name,
    dtype: spec.dtype,
    shape: spec.shape === null ? null : [...spec.shape],
    ...(spec.dims === undefined ? {} : { dims: [...spec.dims] }),
  };
}

export function wireSignature(signature: Signature): SignatureWire {
  return { inputs: signature.inputs.map(wireSpec), outputs: signature.outputs.map(wireSpec) };
}

function wireEngine({ cpus, ...rest }: ModelEngineOptions): EngineOptionsWire {
  return cpus === undefined ? rest : { ...rest, cpus: [...cpus] };
}

function wirePipeline({ inputs, outputs, steps }: ManifestPipeline): ModelInfoWire['pipeline'] {
  return {
    inputs: [...inputs],
    outputs: [...outputs],
    steps: steps.map((step) => ({
      model_id: step.model,
      inputs: { ...step.inputs },
      outputs: { ...step.outputs },
    })),
  };
}

/** What is known of a loaded model beside its record. */
export interface ModelRooms {
  readonly lifecycle: Lifecycle;
  readonly pool: HostPool;
  readonly state: ServiceState;
  readonly keepAlive: KeepAlive;
}

/** What runs a loaded model: its plugin's engine says it of each, a plugin without one of all. */
function runnerOf(
  { id, pluginId, isolation }: ModelRecord,
  pool: HostPool,
): Pick<ModelInfoWire, 'runner' | 'measures'> {
  const host = pool.find(pluginId, isolation === 'model' ? id : null);
  const engine = host === undefined ? null : engineModelFacts(host, id);
  return {
    runner: engine?.runner ?? host?.status.runner ?? null,
    measures: (engine?.measures ?? []).map((measure) => ({ ...measure })),
  };
}

/** The model that a caller names: with an ordinal as `namespace/name`, else in any spelling of its id. */
export function namedModel(
  registry: ModelRegistry,
  { model_id, ordinal }: { readonly model_id: string; readonly ordinal?: number | undefined },
): ModelRecord {
  return ordinal === undefined
    ? registry.resolve(model_id)
    : registry.resolveOrdinal(model_id, ordinal);
}

/** When a loaded model goes if nobody asks it before. */
function expiryOf({ id }: ModelRecord, { keepAlive }: ModelRooms): string | null {
  const at = keepAlive.expiresAt(id);
  return at === null ? null : new Date(at).toISOString();
}

/** A model as the API shows it. */
export function modelInfo(record: ModelRecord, rooms: ModelRooms): ModelInfoWire {
  const { status, reason } = rooms.lifecycle.state(record);
  return {
    id: record.id,
    name: record.name,
    status,
    reason,
    plugin_id: record.pluginId,
    plugin_choice: record.pluginChoice,
    framework: record.framework,
    execution_format: record.executionFormat,
    path: record.path,
    file: record.file,
    digest: record.digest,
    version: record.id.slice(record.id.lastIndexOf('@') + 1),
    ordinal: record.ordinal,
    description: record.description,
    manifest_path: record.manifestPath,
    isolation: record.isolation,
    engine: wireEngine(record.engine),
    ...(status === 'ready' ? runnerOf(record, rooms.pool) : { runner: null, measures: [] }),
    state: (record.state ?? []).map(({ input, output }) => ({ input, output })),
    pipeline: record.pipeline === undefined ? null : wirePipeline(record.pipeline),
    tasks: (record.tasks ?? []).map((task) => taskInfo(record, task, rooms.state)),
    signature: record.signature === null ? null : wireSignature(record.signature),
    expires_at: status === 'ready' ? expiryOf(record, rooms) : null,
    registered_at: record.registeredAt,
    inference_endpoint: inferenceEndpoint(record.id),
    example: tensorExample(record, rooms.state),
  };
}

/** Of a model that has no task to show. */
function tensorExample({ id, tasks = [], signature }: ModelRecord, state: ServiceState) {
  if (tasks.length > 0 || signature === null || state.doors.get('http')?.enabled !== true) {
    return null;
  }
  const inputs = exampleInputs(signature.inputs);
  if (inputs === null) return null;
  return postJson(`${origin(state)}${inferenceEndpoint(id)}`, { inputs });
}
