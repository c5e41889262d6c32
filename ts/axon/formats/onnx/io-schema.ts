import { limits } from '../../../protocol/limits.ts';
import type { ManifestTensor } from '../../../protocol/manifest.ts';
import type { OnnxModel } from './read-model.ts';
import type { ValueInfo } from './value-info.ts';

export interface IoSchema {
  inputs: ManifestTensor[];
  outputs: ManifestTensor[];
}

/** The manifest's io list, or null where the graph has something that the list cannot say truly. */
export function ioSchema(model: OnnxModel): IoSchema | null {
  const inputs = model.inputs.map(toTensor);
  const outputs = model.outputs.map(toTensor);
  const most = limits.tensorsPerRequest;
  if (inputs.length > most || outputs.length > most) return null;
  if (!inputs.every((tensor) => tensor !== null) || !outputs.every((tensor) => tensor !== null))
    return null;
  return { inputs, outputs };
}

/** Sequences, maps and tensors of unknown rank or type have no line in the list. */
function toTensor({ name, kind, dtype, shape }: ValueInfo): ManifestTensor | null {
  if (kind !== 'tensor' || dtype === null || shape === null) return null;
  if (name === '' || name.length > limits.tensorNameLength || shape.length > limits.tensorRank)
    return null;
  const symbolic = shape.some((dim) => typeof dim === 'string' && dim.length <= 256);
  return {
    name,
    dtype,
    shape: shape.map((dim) => (typeof dim === 'number' ? dim : -1)),
    ...(symbolic ? { dims: [...shape] } : {}),
  };
}
