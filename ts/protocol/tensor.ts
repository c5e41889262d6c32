import { type Dtype, dtypes } from './dtype.ts';
import { MlosError } from './errors.ts';
import { limits } from './limits.ts';
import { elementsToJson, type TypedElements, typedElements } from './tensor-elements.ts';

/** Elements of a tensor: little-endian, row-major bytes; strings as a list. */
export type TensorData = Uint8Array | readonly string[];

/**
 * What a model says of one input or output. `shape`: −1 is a dynamic dimension; null means that even
 * the rank is unknown. `dims` are the names that the model gives its dynamic dimensions.
 */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[] | null;
  readonly dims?: readonly (string | null)[];
}

/** The signature of a model, as read from the model itself. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** A tensor in this process: dtype, shape (dimensions ≥ 0, row-major) and its elements. */
export class Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TensorData;

  /** Throws INVALID_SHAPE where the elements do not fill the shape exactly. */
  constructor(dtype: Dtype, shape: readonly number[], data: TensorData, name = 'tensor') {
    const elements = elementCount(shape, name);
    const expected = dtype === 'string' ? elements : elements * dtypes[dtype].byteLength;
    if (dtype === 'string' ? !Array.isArray(data) : !(data instanceof Uint8Array)) {
      throw new MlosError('INVALID_DTYPE', `${name}: ${dtype} elements came in the wrong form.`);
    }
    if (data.length !== expected) {
      throw new MlosError(
        'INVALID_SHAPE',
        `${name}: shape [${shape.join(',')}] of ${dtype} needs ${expected} ` +
          `${dtype === 'string' ? 'strings' : 'bytes'}, but ${data.length} came.`,
        { details: { name, shape, dtype, expected, received: data.length } },
      );
    }
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  get elementCount(): number {
    return this.shape.reduce((product, dim) => product * dim, 1);
  }

  /** Bytes of the elements; for strings the UTF-8 length of all. */
  get byteLength(): number {
    if (this.data instanceof Uint8Array) return this.data.byteLength;
    return this.data.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  }

  /**
   * The elements as a typed array: BigInt64Array for int64, Uint16Array of bit patterns for float16
   * and bfloat16, Uint8Array of 0 and 1 for bool; a list for strings.
   */
  get values(): TypedElements | readonly string[] {
    if (this.dtype !== 'string') return typedElements(this.dtype, this.data as Uint8Array);
    return this.data as readonly string[];
  }

  /** JSON form: the elements as one flat list, row-major. */
  toJSON(): readonly unknown[] {
    return elementsToJson(this.dtype, this.data);
  }
}

/** Product of the dimensions, checked against every limit. */
export function elementCount(shape: readonly number[], name: string): number {
  if (shape.length > limits.tensorRank) {
    throw new MlosError(
      'INVALID_SHAPE',
      `${name}: rank ${shape.length} is above the limit of ${limits.tensorRank}.`,
    );
  }
  let product = 1;
  for (const dim of shape) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new MlosError(
        'INVALID_SHAPE',
        `${name}: dimension ${JSON.stringify(dim)} is not a non-negative integer.`,
      );
    }
    product *= dim;
  }
  if (product > limits.tensorElements) {
    throw new MlosError(
      'INVALID_SHAPE',
      `${name}: ${product} elements are above the limit of ${limits.tensorElements}.`,
    );
  }
  return product;
}

/** `int64[batch,-1]`, for messages. */
export function formatSpec(spec: TensorSpec): string {
  if (spec.shape === null) return `${spec.dtype}[…]`;
  const dims = spec.shape.map((dim, axis) => (dim >= 0 ? dim : (spec.dims?.[axis] ?? -1)));
  return `${spec.dtype}[${dims.join(',')}]`;
}
