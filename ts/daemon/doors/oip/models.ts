import type { Result } from '../../../protocol/method-table.ts';
import type { TensorSpec } from '../../../protocol/tensor.ts';
import { datatypeOf } from './tensors.ts';

/** What the protocol tells of a model: its metadata and its configuration, from the model's own signature. */
export type ModelInfo = Result<'models.get'>['model'];
type SpecWire = NonNullable<ModelInfo['signature']>['inputs'][number];

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** `namespace/name` of an id. */
export function oipName(id: string): string {
  return id.slice(0, id.lastIndexOf('@'));
}

/** Names of platforms that clients know; others are called by their execution format. */
const platforms: Readonly<Record<string, string>> = { onnx: 'onnxruntime_onnx' };
const backends: Readonly<Record<string, string>> = { onnx: 'onnxruntime' };

export function platformOf({ execution_format: format, pipeline }: ModelInfo): string {
  if (pipeline !== null) return 'ensemble';
  return platforms[format] ?? format;
}

/** A model that does not say how many dimensions it takes is shown with one of any length. */
function shapeOf({ shape }: SpecWire): readonly number[] {
  return shape ?? [-1];
}

function tensorMetadata(spec: SpecWire): TensorMetadata {
  return { name: spec.name, datatype: datatypeOf(spec.dtype), shape: shapeOf(spec) };
}

export function modelMetadata(
  name: string,
  info: ModelInfo,
  versions: readonly string[],
): ModelMetadata {
  const { inputs = [], outputs = [] } = info.signature ?? {};
  return {
    name,
    versions,
    platform: platformOf(info),
    inputs: inputs.map(tensorMetadata),
    outputs: outputs.map(tensorMetadata),
  };
}

function isFree({ shape }: Pick<TensorSpec, 'shape'>): boolean {
  return shape !== null && shape[0] === -1;
}

/** Whether the first dimension of every input and output counts requests that run together. */
export function isBatched({ signature }: ModelInfo): boolean {
  if (signature === null) return false;
  const all = [...signature.inputs, ...signature.outputs];
  return all.length > 0 && all.every(isFree);
}

/** Dimensions of a configuration leave the batch out. */
function dimsOf(spec: SpecWire, batched: boolean): readonly number[] {
  return batched ? shapeOf(spec).slice(1) : shapeOf(spec);
}

function typeName(spec: SpecWire): string {
  const datatype = datatypeOf(spec.dtype);
  return `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`;
}

/** What the configuration falls back to. */
export interface ModelDefaults {
  readonly maxBatch: number;
  readonly maxSequences: number;
  readonly sequenceIdleMs: number;
}

/** One of the two, as in the protocol; requests of different sequences run together where they may. */
function schedulingOf(
  { engine, state, pipeline }: ModelInfo,
  defaults: ModelDefaults,
  batched: boolean,
) {
  if (pipeline !== null) {
    const step = pipeline.steps.map(({ model_id, inputs, outputs }) => ({
      model_name: oipName(model_id),
      model_version: -1,
      input_map: inputs,
      output_map: outputs,
    }));
    return { ensemble_scheduling: { step } };
  }
  if (state.length > 0) {
    return {
      sequence_batching: {
        max_sequence_idle_microseconds: (engine.sequence_idle_ms ?? defaults.sequenceIdleMs) * 1000,
        oldest: { max_candidate_sequences: engine.max_sequences ?? defaults.maxSequences },
        state: state.map(({ input, output }) => ({ input_name: input, output_name: output })),
      },
    };
  }
  if (!batched) return {};
  const max_queue_delay_microseconds = engine.max_delay_us ?? 0;
  return { dynamic_batching: { preferred_batch_size: [], max_queue_delay_microseconds } };
}

/** The message ModelConfig with the names of its fields, as far as it has something to say here. */
export function modelConfig(name: string, info: ModelInfo, defaults: ModelDefaults) {
  const { inputs = [], outputs = [] } = info.signature ?? {};
  const { engine } = info;
  const batched = isBatched(info) && engine.batching !== 'off';
  return {
    name,
    platform: platformOf(info),
    backend: backends[info.execution_format] ?? info.execution_format,
    version_policy: { specific: { versions: [info.ordinal] } },
    max_batch_size: batched ? (engine.max_batch ?? defaults.maxBatch) : 0,
    input: inputs.map((spec) => ({
      name: spec.name,
      data_type: typeName(spec),
      format: 'FORMAT_NONE',
      dims: dimsOf(spec, batched),
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: false,
    })),
    output: outputs.map((spec) => ({
      name: spec.name,
      data_type: typeName(spec),
      dims: dimsOf(spec, batched),
      label_filename: '',
      is_shape_tensor: false,
    })),
    instance_group: [{ name: `${name}_0`, kind: 'KIND_CPU', count: engine.instances ?? 1 }],
    default_model_filename: info.file,
    model_transaction_policy: { decoupled: false },
    ...schedulingOf(info, defaults, batched),
  };
}

export type ModelConfig = ReturnType<typeof modelConfig>;
