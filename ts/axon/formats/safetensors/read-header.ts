import type { ByteSource } from '../bytes/byte-source.ts';
import { FormatError } from '../bytes/read-file.ts';

/*
 * u64 N, then N bytes of JSON {name: {dtype, shape, data_offsets}}, then the data. The tensors must lie one
 * after another, cover the data to its last byte and be as large as their shapes say: so a file that was
 * cut, or has something hidden in it, is seen without reading its weights.
 */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: number;
  /** dtype → elements. */
  readonly elements: ReadonlyMap<string, number>;
}

/** Bits of one element. Other dtypes are accepted, but nothing says how large they must be. */
const bits: Readonly<Record<string, number>> = {
  ...{ F4: 4, F6_E2M3: 6, F6_E3M2: 6, BOOL: 8, U8: 8, I8: 8 },
  ...{ F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, U16: 16, I16: 16, F16: 16, BF16: 16 },
  ...{ U32: 32, I32: 32, F32: 32, C64: 64, U64: 64, I64: 64, F64: 64 },
};

const maxHeaderBytes = 32 * 1024 * 1024;
const maxRank = 64;

interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly elements: number;
  readonly start: number;
  readonly end: number;
}

export function readSafetensors(bytes: ByteSource): SafetensorsHeader {
  const length = bytes.read(0, 8).readBigUInt64LE();
  if (length > BigInt(maxHeaderBytes) || length > BigInt(bytes.size - 8))
    throw new FormatError(`a header of ${length} bytes in a file of ${bytes.size}`);
  const { __metadata__: metadata, ...entries } = parseHeader(bytes.read(8, Number(length)));
  const tensors = Object.entries(entries).map(([name, value]) => tensorOf(name, value));
  requireCover(tensors, bytes.size - 8 - Number(length));
  const elements = new Map<string, number>();
  for (const tensor of tensors)
    elements.set(tensor.dtype, (elements.get(tensor.dtype) ?? 0) + tensor.elements);
  return { metadata: textsOf(metadata), tensors: tensors.length, elements };
}

function parseHeader(header: Buffer): Record<string, unknown> {
  if (header[0] !== 0x7b) throw new FormatError('a header that is not JSON');
  try {
    return JSON.parse(header.toString('utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new FormatError('a header that is not JSON', { cause: error });
  }
}

function textsOf(metadata: unknown): Record<string, string> {
  if (typeof metadata !== 'object' || metadata === null) return {};
  return Object.fromEntries(
    Object.entries(metadata).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function tensorOf(name: string, value: unknown): Tensor {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const bad = (why: string) =>
    new FormatError(`tensor ${JSON.stringify(name.slice(0, 100))} ${why}`);
  if (typeof dtype !== 'string' || dtype.length > 32) throw bad('has no dtype');
  if (!Array.isArray(shape) || shape.length > maxRank || !shape.every(isCount))
    throw bad('has no shape');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw bad('has no offsets');
  const [start = 0, end = 0] = offsets;
  const elements = shape.reduce((product, dim) => product * dim, 1);
  const width = Object.hasOwn(bits, dtype) ? bits[dtype] : undefined;
  if (end < start || !isCount(elements)) throw bad('has an impossible size');
  if (width !== undefined && (elements * width) / 8 !== end - start)
    throw bad(`has ${end - start} bytes where its shape wants ${(elements * width) / 8}`);
  return { name, dtype, elements, start, end };
}

function requireCover(tensors: readonly Tensor[], size: number): void {
  let at = 0;
  for (const tensor of tensors.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (tensor.start !== at)
      throw new FormatError(
        `tensor ${JSON.stringify(tensor.name.slice(0, 100))} begins at ${tensor.start} where ${at} is free`,
      );
    at = tensor.end;
  }
  if (at !== size) throw new FormatError(`tensors of ${at} bytes in ${size} bytes of data`);
}
