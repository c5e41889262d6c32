/*
 * Writes small GGUF files, so that no test needs one from elsewhere. The form is that of
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
 */
export type GgufScalar = string | boolean | { readonly u32: number } | { readonly f32: number };
export type GgufValue =
  | GgufScalar
  | { readonly strings: readonly string[] }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] };

export interface GgufTensor {
  readonly name: string;
  /** The fastest one first. */
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

const types = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const alignment = 32;

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const text = (value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};
const raw = (values: Float32Array | Int32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

function list(type: number, count: number, items: Buffer): Buffer {
  return Buffer.concat([u32(types.array), u32(type), u64(count), items]);
}

function valueBytes(value: GgufValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(types.string), text(value)]);
  if (typeof value === 'boolean') return Buffer.concat([u32(types.bool), Buffer.from([+value])]);
  if ('u32' in value) return Buffer.concat([u32(types.u32), u32(value.u32)]);
  if ('f32' in value) return Buffer.concat([u32(types.f32), raw(Float32Array.of(value.f32))]);
  if ('strings' in value) {
    return list(types.string, value.strings.length, Buffer.concat(value.strings.map(text)));
  }
  if ('floats' in value) {
    return list(types.f32, value.floats.length, raw(Float32Array.from(value.floats)));
  }
  return list(types.i32, value.ints.length, raw(Int32Array.from(value.ints)));
}

function padded(bytes: Buffer): Buffer {
  const rest = bytes.length % alignment;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(alignment - rest)]);
}

/** A whole file; every tensor is float32. */
export function writeGguf(
  values: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Buffer {
  const entries = Object.entries(values);
  let offset = 0;
  const infos = tensors.map(({ name, dims, values: data }) => {
    const info = [text(name), u32(dims.length), ...dims.map(u64), u32(0), u64(offset)];
    offset += Math.ceil(data.byteLength / alignment) * alignment;
    return Buffer.concat(info);
  });
  const head = Buffer.concat([
    ...[Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length)],
    ...entries.map(([key, value]) => Buffer.concat([text(key), valueBytes(value)])),
    ...infos,
  ]);
  return Buffer.concat([padded(head), ...tensors.map(({ values: data }) => padded(raw(data)))]);
}
