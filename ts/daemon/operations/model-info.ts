import type { ModelInfoWire } from '../../protocol/methods/models.ts';
import type { Signature, TensorSpec } from '../../protocol/tensor.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { ModelRecord } from '../registry/model-record.ts';

type SignatureWire = NonNullable<ModelInfoWire['signature']>;

function wireSpec(spec: TensorSpec): SignatureWire['inputs'][number] {
  return {
    name: spec.name,
    dtype: spec.dtype,
    shape: spec.shape === null ? null : [...spec.shape],
    ...(spec.dims === undefined ? {} : { dims: [...spec.dims] }),
  };
}

function wireSignature(signature: Signature): SignatureWire {
  return { inputs: signature.inputs.map(wireSpec), outputs: signature.outputs.map(wireSpec) };
}

/** `/models/hf-bert-base-uncased@latest/inference`: with dashes it pastes into any shell. */
export function inferenceEndpoint(modelId: string): string {
  return `/models/${modelId.replaceAll('/', '-')}/inference`;
}

/** A model as the API shows it. */
export function modelInfo(record: ModelRecord, lifecycle: Lifecycle): ModelInfoWire {
  const { status, reason } = lifecycle.state(record);
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
    description: record.description,
    manifest_path: record.manifestPath,
    isolation: record.isolation,
    signature: record.signature === null ? null : wireSignature(record.signature),
    registered_at: record.registeredAt,
    inference_endpoint: inferenceEndpoint(record.id),
  };
}
