import { Tensor as OrtTensor } from 'onnxruntime-node';
import { type Dtype, dtypes } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { Tensor } from '../../protocol/tensor.ts';

/*
 * Between our tensors and those of onnxruntime-node. The elements are shared, not copied, except where
 * they do not lie at a multiple of their size.
 */
type ElementArray = new (
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number,
) => ArrayBufferView<ArrayBuffer>;

/** Newer engines have it, and the runtime then insists on it; older ones use bare bits. */
const Float16: ElementArray =
  (globalThis as unknown as { Float16Array?: ElementArray }).Float16Array ?? Uint16Array;

const arrays: Partial<Record<Dtype, ElementArray>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float16,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** True where onnxruntime-node can carry elements of this type. */
export function isCarried(dtype: string): dtype is Dtype {
  return dtype === 'string' || Object.hasOwn(arrays, dtype);
}

function elements(dtype: Dtype, data: Uint8Array, Elements: ElementArray): ArrayBufferView {
  const size = dtypes[dtype].byteLength;
  const inPlace = data.byteOffset % size === 0 && data.buffer instanceof ArrayBuffer;
  const bytes = inPlace ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data);
  return new Elements(bytes.buffer, bytes.byteOffset, bytes.byteLength / size);
}

export function toOrtTensor(name: string, tensor: Tensor): OrtTensor {
  const { dtype, data, shape } = tensor;
  if (!(data instanceof Uint8Array)) return new OrtTensor('string', [...data], shape);
  const Elements = arrays[dtype];
  if (Elements === undefined) {
    throw new MlosError('UNIMPLEMENTED', `Input ${JSON.stringify(name)}: no ${dtype} here.`);
  }
  const make = OrtTensor as unknown as new (
    type: string,
    data: ArrayBufferView,
    dims: readonly number[],
  ) => OrtTensor;
  return new make(dtype, elements(dtype, data, Elements), shape);
}

export function fromOrtTensor(name: string, tensor: OrtTensor): Tensor {
  const { type, dims } = tensor;
  if (!isCarried(type)) {
    throw new MlosError('UNIMPLEMENTED', `Output ${JSON.stringify(name)} is of type ${type}.`);
  }
  const data = tensor.data as unknown as readonly string[] | ArrayBufferView<ArrayBuffer>;
  if (!ArrayBuffer.isView(data)) return new Tensor('string', dims, data, name);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Tensor(type, dims, bytes, name);
}
