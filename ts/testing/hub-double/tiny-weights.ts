/* Writers of very small weight files, for tests that need real ones without a file in the project. */

/** safetensors with float32 zeros, or with a header of the test's own. */
export function tinySafetensors(
  tensors: Readonly<Record<string, readonly number[]>> = { w: [2, 3] },
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Buffer {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, shape]) => {
    const start = at;
    at += 4 * shape.reduce((product, dim) => product * dim, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [start, at] }];
  });
  const header = { __metadata__: metadata, ...Object.fromEntries(entries) };
  return rawSafetensors(header, Buffer.alloc(at));
}

export function rawSafetensors(header: unknown, data: Buffer): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

export const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const u64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

const ggufText = (text: string) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);

export interface TinyGguf {
  /** Numbers are written as u32, lists as arrays of texts. */
  readonly values?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly tensors?: readonly TinyTensor[];
}

export interface TinyTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type?: number;
  readonly offset?: number;
}

function ggufValue(value: string | number | boolean | readonly string[]): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), ggufText(value)]);
  if (typeof value === 'number') return Buffer.concat([u32(4), u32(value)]);
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([value ? 1 : 0])]);
  return Buffer.concat([u32(9), u32(8), u64(value.length), ...value.map(ggufText)]);
}

/** GGUF version 3 with float32 tensors, one after another, aligned to 32; never more than 1 MiB of data. */
export function tinyGguf({
  values = { 'general.architecture': 'llama' },
  tensors = [{ name: 'w', shape: [4] }],
}: TinyGguf = {}): Buffer {
  const pairs = Object.entries(values).map(([key, value]) =>
    Buffer.concat([ggufText(key), ggufValue(value)]),
  );
  let at = 0;
  const infos = tensors.map(({ name, shape, type = 0, offset }) => {
    const start = offset ?? at;
    at = Math.ceil((start + 4 * shape.reduce((product, dim) => product * dim, 1)) / 32) * 32;
    return Buffer.concat([
      ggufText(name),
      u32(shape.length),
      ...shape.map(u64),
      u32(type),
      u64(start),
    ]);
  });
  const counts = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(pairs.length)];
  const head = Buffer.concat([...counts, ...pairs, ...infos]);
  return Buffer.concat([
    head,
    Buffer.alloc((32 - (head.length % 32)) % 32),
    Buffer.alloc(Math.min(at, 1 << 20)),
  ]);
}
