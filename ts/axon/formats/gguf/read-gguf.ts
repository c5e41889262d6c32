import type { ByteSource } from '../bytes/byte-source.ts';
import { Cursor } from '../bytes/cursor.ts';
import { FormatError } from '../bytes/read-file.ts';
import { tensorTypes } from './tensor-types.ts';

/*
 * GGUF: magic, version, counts, key-values, tensor list, data. Only the head is read. Vocabularies (arrays of a
 * hundred thousand texts) are walked over, not kept. Every tensor must lie inside the file and on no other.
 */
export interface Gguf {
  readonly version: number;
  readonly values: ReadonlyMap<string, GgufValue>;
  readonly tensors: number;
  /** Type → elements. */
  readonly elements: ReadonlyMap<string, number>;
}

/** Arrays are only counted, and texts of more than 1 MiB only known to be there. */
export type GgufValue = string | number | boolean | { readonly length: number };

const maxKept = 1024 * 1024;
const maxPairs = 100_000;
const maxTensors = 1_000_000;
const maxDepth = 4;
/** Elements walked over in all arrays together. */
const maxWalked = 50_000_000;

const fixed: Readonly<Record<number, readonly [number, (bytes: Buffer) => number | bigint]>> = {
  0: [1, (bytes) => bytes.readUInt8()],
  1: [1, (bytes) => bytes.readInt8()],
  2: [2, (bytes) => bytes.readUInt16LE()],
  3: [2, (bytes) => bytes.readInt16LE()],
  4: [4, (bytes) => bytes.readUInt32LE()],
  5: [4, (bytes) => bytes.readInt32LE()],
  6: [4, (bytes) => bytes.readFloatLE()],
  7: [1, (bytes) => bytes.readUInt8()],
  10: [8, (bytes) => bytes.readBigUInt64LE()],
  11: [8, (bytes) => bytes.readBigInt64LE()],
  12: [8, (bytes) => bytes.readDoubleLE()],
};
const [textType, boolType, arrayType] = [8, 7, 9];

class GgufReader {
  readonly #cursor: Cursor;
  readonly #size: number;
  #walked = 0;

  constructor(bytes: ByteSource) {
    this.#cursor = new Cursor(bytes);
    this.#size = bytes.size;
  }

  read(): Gguf {
    const cursor = this.#cursor;
    if (cursor.take(4).toString('latin1') !== 'GGUF') throw new FormatError('no GGUF magic');
    const version = cursor.u32();
    if (version < 2 || version > 3) throw new FormatError(`GGUF version ${version}`);
    const tensors = cursor.u64();
    const pairs = cursor.u64();
    if (tensors > maxTensors || pairs > maxPairs)
      throw new FormatError(`${tensors} tensors and ${pairs} keys`);
    const values = new Map<string, GgufValue>();
    for (let index = 0; index < pairs; index++) {
      const key = this.#text(256);
      if (typeof key !== 'string') throw new FormatError('a key that is too long');
      if (values.has(key)) throw new FormatError(`the key ${key} comes twice`);
      values.set(key, this.#value(cursor.u32()));
    }
    return { version, values, tensors, elements: this.#tensors(tensors, alignmentOf(values)) };
  }

  #text(most: number): string | { length: number } {
    const length = this.#cursor.u64();
    if (length > most) {
      this.#cursor.skip(length);
      return { length };
    }
    return this.#cursor.take(length).toString('utf8');
  }

  #value(type: number): GgufValue {
    if (type === textType) return this.#text(maxKept);
    if (type === arrayType) return { length: this.#array(1) };
    const number = this.#number(type);
    return type === boolType ? number !== 0 : number;
  }

  #number(type: number): number {
    const [width, decode] = fixed[type] ?? [];
    if (width === undefined || decode === undefined) throw new FormatError(`value type ${type}`);
    return Number(decode(this.#cursor.take(width)));
  }

  /** Walks over an array and says how long it is. */
  #array(depth: number): number {
    if (depth > maxDepth) throw new FormatError(`arrays nest deeper than ${maxDepth}`);
    const type = this.#cursor.u32();
    const length = this.#cursor.u64();
    const width = fixed[type]?.[0];
    if (width !== undefined) {
      this.#cursor.skip(length * width);
      return length;
    }
    if (type !== textType && type !== arrayType) throw new FormatError(`value type ${type}`);
    this.#walked += length;
    if (this.#walked > maxWalked || length > this.#cursor.left)
      throw new FormatError(`an array of ${length} elements`);
    for (let index = 0; index < length; index++) {
      if (type === textType) this.#cursor.skip(this.#cursor.u64());
      else this.#array(depth + 1);
    }
    return length;
  }

  #tensors(count: number, alignment: number): Map<string, number> {
    const elements = new Map<string, number>();
    const placed: { readonly name: string; readonly start: number; readonly bytes: number }[] = [];
    for (let index = 0; index < count; index++) {
      const tensor = this.#tensor();
      elements.set(tensor.type, (elements.get(tensor.type) ?? 0) + tensor.elements);
      if (tensor.start % alignment !== 0)
        throw new FormatError(`tensor ${tensor.name} is not aligned to ${alignment}`);
      placed.push(tensor);
    }
    const data = Math.ceil(this.#cursor.at / alignment) * alignment;
    let end = 0;
    for (const { name, start, bytes } of placed.sort((a, b) => a.start - b.start)) {
      if (start < end) throw new FormatError(`tensor ${name} overlaps another`);
      end = start + bytes;
      if (data + end > this.#size) throw new FormatError(`tensor ${name} reaches past the end`);
    }
    return elements;
  }

  #tensor(): { name: string; type: string; elements: number; start: number; bytes: number } {
    const text = this.#text(1024);
    if (typeof text !== 'string') throw new FormatError('a tensor name that is too long');
    const name = JSON.stringify(text.slice(0, 100));
    const rank = this.#cursor.u32();
    if (rank > 8) throw new FormatError(`tensor ${name} has rank ${rank}`);
    let elements = 1;
    for (let dim = 0; dim < rank; dim++) elements *= this.#cursor.u64();
    const code = this.#cursor.u32();
    const start = this.#cursor.u64();
    const [type, block, width] = tensorTypes[code] ?? [`type ${code}`, 1, 0];
    if (!Number.isSafeInteger(elements) || elements % block !== 0)
      throw new FormatError(`tensor ${name} has an impossible shape`);
    return { name, type, elements, start, bytes: (elements / block) * width };
  }
}

function alignmentOf(values: ReadonlyMap<string, GgufValue>): number {
  const value = values.get('general.alignment') ?? 32;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1 << 20)
    throw new FormatError('an impossible alignment');
  return value;
}

export function readGguf(bytes: ByteSource): Gguf {
  return new GgufReader(bytes).read();
}
