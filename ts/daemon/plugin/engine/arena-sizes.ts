import { channelLayout } from '../../../native/channel-layout.ts';
import { dtypes } from '../../../protocol/dtype.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Signature, Tensor, TensorSpec } from '../../../protocol/tensor.ts';

/** Bytes of a channel's two arenas. */
export interface ArenaSizes {
  /** For the inputs of the requests under way. */
  readonly requestBytes: number;
  /** For their outputs. */
  readonly responseBytes: number;
}

const KiB = 1024;
/** So many requests of a model with fixed shapes fit at once into its first channel. */
const requestsAtOnce = 64;
/** Where the signature leaves the size open, and the bounds of a guess where it does not. */
const startBytes = { unknown: 1024 * KiB, least: 256 * KiB, most: 4096 * KiB } as const;
/** Bytes that are guessed for one string. */
const stringBytes = 64;
const pageBytes = 4 * KiB;

function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}

/** Bytes of a block with tensors of these lengths and their descriptors. */
export function blockBytes(lengths: readonly number[]): number {
  const { bounds } = channelLayout();
  const { requestDescriptorBytes, tensorDescriptorBytes, blockAlignment } = bounds;
  const head = roundUp(
    requestDescriptorBytes +
      lengths.length * tensorDescriptorBytes +
      bounds.sequenceDescriptorBytes,
    blockAlignment,
  );
  return lengths.reduce((sum, bytes) => sum + roundUp(bytes, blockAlignment), head);
}

/** Bytes of a tensor's elements; null where the shape is not fixed. */
function fixedBytes({ dtype, shape }: TensorSpec): number | null {
  if (shape === null || shape.includes(-1)) return null;
  const count = shape.reduce((product, dim) => product * dim, 1);
  return count * (dtype === 'string' ? stringBytes : dtypes[dtype].byteLength);
}

function startOf(specs: readonly TensorSpec[]): number {
  const lengths = specs.map(fixedBytes);
  if (lengths.includes(null)) return startBytes.unknown;
  const one = blockBytes(lengths as number[]);
  const guess = Math.min(Math.max(one * requestsAtOnce, startBytes.least), startBytes.most);
  return Math.max(guess, one);
}

/** An arena with room for `bytes`, within what a channel may have. */
export function arenaBytes(bytes: number): number {
  return Math.min(roundUp(Math.max(bytes, startBytes.least), pageBytes), limits.channelArenaBytes);
}

/** What a channel to a model begins with. */
export function startSizes(signature: Signature): ArenaSizes {
  return {
    requestBytes: arenaBytes(startOf(signature.inputs)),
    responseBytes: arenaBytes(startOf(signature.outputs)),
  };
}

/** Sizes of the dimensions that the model names, as these inputs have them. */
function namedDims(signature: Signature, inputs: Readonly<Record<string, Tensor>>) {
  const sizes = new Map<string, number>();
  for (const { name, dims = [] } of signature.inputs) {
    const shape = inputs[name]?.shape ?? [];
    for (const [axis, dim] of dims.entries()) {
      if (dim !== null) sizes.set(dim, shape[axis] ?? 1);
    }
  }
  return sizes;
}

/**
 * Bytes that the answer is likely to take: dimensions that inputs and outputs call by one name are known
 * by now, others are guessed as large as all inputs together. A guess too small costs one more run.
 */
export function likelyAnswerBytes(
  signature: Signature,
  inputs: Readonly<Record<string, Tensor>>,
  inputBytes: number,
): number {
  const sizes = namedDims(signature, inputs);
  const lengths = signature.outputs.map((spec) => {
    const { dims = [], shape } = spec;
    const known = shape?.map((dim, axis) => (dim >= 0 ? dim : (sizes.get(dims[axis] ?? '') ?? -1)));
    return fixedBytes({ ...spec, shape: known ?? null }) ?? inputBytes;
  });
  return blockBytes(lengths);
}
