import { type Dtype, dtypes } from './dtype.ts';
import { MlosError } from './errors.ts';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.ts';

/**
 * Elements between JSON-like values and bytes, one rule per dtype. JSON has no 64-bit integers, NaN
 * or infinities, so beside numbers these are read and written: decimal strings for int64 and uint64
 * beyond ±2^53, and the strings "NaN", "Infinity", "-Infinity" for floats.
 */
// Magnitudes from which rounding to nearest gives infinity.
const maxFloat32 = 3.4028235677973366e38;
const maxFloat16 = 65520;
const maxBfloat16 = (2 - 2 ** -8) * 2 ** 127;

const integerRange: Partial<Record<Dtype, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
};

const floatMax: Partial<Record<Dtype, number>> = {
  float32: maxFloat32,
  float64: Number.POSITIVE_INFINITY,
  float16: maxFloat16,
  bfloat16: maxBfloat16,
};

function show(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function fail(name: string, index: number, dtype: Dtype, value: unknown, why: string): never {
  throw new MlosError(
    'INVALID_VALUE',
    `${name}: element ${index} is ${show(value)}, which is no ${dtype}: ${why}.`,
    { details: { name, index, dtype } },
  );
}

const floatWords: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

function floatOf(name: string, index: number, dtype: Dtype, value: unknown): number {
  if (typeof value === 'number') {
    if (Math.abs(value) >= (floatMax[dtype] ?? 0) && Number.isFinite(value)) {
      fail(name, index, dtype, value, 'its magnitude is beyond the largest finite one');
    }
    return value;
  }
  if (typeof value === 'string' && Object.hasOwn(floatWords, value)) return floatWords[value] ?? 0;
  if (typeof value === 'bigint') return Number(value);
  return fail(name, index, dtype, value, 'expected a number');
}

function integerOf(name: string, index: number, dtype: Dtype, value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    fail(name, index, dtype, value, 'expected an integer');
  }
  const [low, high] = integerRange[dtype] ?? [0, 0];
  if (number < low || number > high) {
    fail(name, index, dtype, value, `the range is ${low} to ${high}`);
  }
  return number;
}

const decimal = /^-?\d{1,20}$/;

function bigIntOf(name: string, index: number, dtype: Dtype, value: unknown): bigint {
  let wide: bigint;
  if (typeof value === 'bigint') wide = value;
  else if (typeof value === 'number' && Number.isSafeInteger(value)) wide = BigInt(value);
  else if (typeof value === 'string' && decimal.test(value)) wide = BigInt(value);
  else if (typeof value === 'number' && Number.isInteger(value)) {
    fail(name, index, dtype, value, 'beyond 2^53 a number is not exact, send a decimal string');
  } else return fail(name, index, dtype, value, 'expected an integer');
  const fits = dtype === 'int64' ? BigInt.asIntN(64, wide) : BigInt.asUintN(64, wide);
  if (fits !== wide) fail(name, index, dtype, value, 'it does not fit in 64 bits');
  return wide;
}

function boolOf(name: string, index: number, value: unknown): number {
  if (value === true || value === 1) return 1;
  if (value === false || value === 0) return 0;
  return fail(name, index, 'bool', value, 'expected true, false, 1 or 0');
}

const views = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
} as const;

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A flat list of JSON-like values → elements. Throws INVALID_VALUE naming the first bad one. */
export function elementsFromList(
  dtype: Dtype,
  list: readonly unknown[],
  name: string,
): Uint8Array | string[] {
  const count = list.length;
  switch (dtype) {
    case 'string':
      return list.map((value, index) =>
        typeof value === 'string' ? value : fail(name, index, dtype, value, 'expected a string'),
      );
    case 'bool':
      return Uint8Array.from(list, (value, index) => boolOf(name, index, value));
    case 'int64':
    case 'uint64': {
      const view = dtype === 'int64' ? new BigInt64Array(count) : new BigUint64Array(count);
      for (let i = 0; i < count; i++) view[i] = bigIntOf(name, i, dtype, list[i]);
      return bytesOf(view);
    }
    case 'float16':
    case 'bfloat16': {
      const view = new Uint16Array(count);
      const convert = dtype === 'float16' ? toFloat16 : toBfloat16;
      for (let i = 0; i < count; i++) view[i] = convert(floatOf(name, i, dtype, list[i]));
      return bytesOf(view);
    }
    case 'float32':
    case 'float64': {
      const view = new views[dtype](count);
      for (let i = 0; i < count; i++) view[i] = floatOf(name, i, dtype, list[i]);
      return bytesOf(view);
    }
    default: {
      const view = new views[dtype](count);
      for (let i = 0; i < count; i++) view[i] = integerOf(name, i, dtype, list[i]);
      return bytesOf(view);
    }
  }
}

/** Bytes at an address that suits the element type; copied only where they do not lie so. */
function aligned(data: Uint8Array, byteLength: number): Uint8Array<ArrayBuffer> {
  const lies = data.byteOffset % byteLength === 0 && data.buffer instanceof ArrayBuffer;
  return lies ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data);
}

function floatToJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function wideToJson(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Elements → a flat list that JSON can carry. */
export function elementsToJson(dtype: Dtype, data: Uint8Array | readonly string[]): unknown[] {
  if (!(data instanceof Uint8Array) || dtype === 'string') return [...data];
  const elements = typedElements(dtype, data);
  switch (dtype) {
    case 'bool':
      return Array.from(elements as Uint8Array, (value) => value !== 0);
    case 'int64':
    case 'uint64':
      return Array.from(elements as BigInt64Array, wideToJson);
    case 'float16':
      return Array.from(elements as Uint16Array, (bits) => floatToJson(fromFloat16(bits)));
    case 'bfloat16':
      return Array.from(elements as Uint16Array, (bits) => floatToJson(fromBfloat16(bits)));
    case 'float32':
    case 'float64':
      return Array.from(elements as Float32Array, floatToJson);
    default:
      return Array.from(elements as Int32Array);
  }
}

/** Elements as the typed array of their dtype; float16 and bfloat16 as bit patterns, bool as 0 and 1. */
export type TypedElements =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A typed view of the bytes; copied only where they do not lie as the element type needs. */
export function typedElements(dtype: Exclude<Dtype, 'string'>, data: Uint8Array): TypedElements {
  const size = dtypes[dtype].byteLength;
  const { buffer, byteOffset, byteLength } = aligned(data, size);
  const count = byteLength / size;
  switch (dtype) {
    case 'int64':
      return new BigInt64Array(buffer, byteOffset, count);
    case 'uint64':
      return new BigUint64Array(buffer, byteOffset, count);
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(buffer, byteOffset, count);
    case 'bool':
      return new Uint8Array(buffer, byteOffset, count);
    default:
      return new views[dtype](buffer, byteOffset, count);
  }
}
