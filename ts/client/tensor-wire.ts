import { type Dtype, isDtype } from '../protocol/dtype.ts';
import { MlosError } from '../protocol/errors.ts';
import { Tensor, type TensorData } from '../protocol/tensor.ts';

/**
 * Tensors between the caller and the IPC wire, where the elements travel as raw little-endian bytes.
 * (So does every platform that MLOS runs on hold them.)
 */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** A tensor in the caller's own words; left-out facts are those of the model's signature. */
export interface TensorLike {
  readonly dtype?: Dtype;
  readonly shape?: readonly number[];
  readonly data: NumberArray | readonly unknown[];
}

/** A tensor, a typed array (of one dimension unless a shape says more), a list, or a scalar. */
export type InferInput =
  | Tensor
  | TensorLike
  | NumberArray
  | readonly unknown[]
  | number
  | string
  | boolean;

export const dtypeOfArray: Readonly<Record<string, Dtype>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
  Uint8Array: 'uint8',
  Buffer: 'uint8',
  Uint16Array: 'uint16',
  Uint32Array: 'uint32',
  BigUint64Array: 'uint64',
};

export function isNumberArray(value: unknown): value is NumberArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function bytesOf(array: NumberArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** `view` says that bytes of another dtype (float16 as Uint16Array) were meant. */
function explicit(dtype: Dtype | undefined, shape: readonly number[], data: NumberArray): unknown {
  return { dtype: dtype ?? dtypeOfArray[data.constructor.name], shape, data: bytesOf(data) };
}

/** One input → what the wire carries. */
export function inputToWire(input: InferInput): unknown {
  if (input instanceof Tensor) {
    return { dtype: input.dtype, shape: input.shape, data: input.data };
  }
  if (isNumberArray(input)) return explicit(undefined, [input.length], input);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const { dtype, shape, data } = input as TensorLike;
  if (isNumberArray(data)) return explicit(dtype, shape ?? [data.length], data);
  return {
    ...(dtype === undefined ? {} : { dtype }),
    ...(shape === undefined ? {} : { shape }),
    data,
  };
}

/** The outputs of an answer, rebuilt from its dtypes and shapes. */
export function outputsFromWire(
  outputs: Readonly<Record<string, unknown>>,
  dtypes: Readonly<Record<string, string>>,
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, Tensor> {
  const tensors: [string, Tensor][] = [];
  for (const [name, data] of Object.entries(outputs)) {
    const dtype = dtypes[name];
    const shape = shapes[name];
    if (!isDtype(dtype) || shape === undefined) {
      throw new MlosError('INTERNAL', `The answer has no dtype or shape for output "${name}".`);
    }
    tensors.push([name, new Tensor(dtype, shape, data as TensorData, `Output "${name}"`)]);
  }
  return Object.fromEntries(tensors);
}
