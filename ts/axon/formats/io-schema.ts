import type { Dtype } from '../../protocol/dtype.ts';
import { limits } from '../../protocol/limits.ts';
import type { ManifestTensor } from '../../protocol/manifest.ts';

/** One input or output: a number, a name or null (unknown) for each dimension; shape null without rank. */
export interface Value {
  readonly name: string;
  readonly dtype: Dtype | null;
  readonly shape: readonly (number | string | null)[] | null;
}

export interface IoSchema {
  inputs: ManifestTensor[];
  outputs: ManifestTensor[];
}

/** The manifest's io list, or null where a file has something that the list cannot say truly. */
export function ioSchema(model: {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}): IoSchema | null {
  const inputs = model.inputs.map(toTensor);
  const outputs = model.outputs.map(toTensor);
  const most = limits.tensorsPerRequest;
  if (inputs.length > most || outputs.length > most) return null;
  if (!inputs.every((tensor) => tensor !== null) || !outputs.every((tensor) => tensor !== null))
    return null;
  return { inputs, outputs };
}

/** Tensors of unknown rank or type, and whatever is no tensor, have no line in the list. */
function toTensor({ name, dtype, shape }: Value): ManifestTensor | null {
  if (dtype === null || shape === null) return null;
  if (name === '' || name.length > limits.tensorNameLength || shape.length > limits.tensorRank)
    return null;
  if (shape.some((dim) => typeof dim === 'number' && !Number.isSafeInteger(dim))) return null;
  const symbolic = shape.some((dim) => typeof dim === 'string' && dim.length <= 256);
  return {
    name,
    dtype,
    shape: shape.map((dim) => (typeof dim === 'number' ? dim : -1)),
    ...(symbolic ? { dims: [...shape] } : {}),
  };
}
