import type { ByteSource } from './byte-source.ts';
import { FormatError } from './read-file.ts';

/** Reads little-endian numbers one after another. */
export class Cursor {
  readonly #bytes: ByteSource;
  at: number;

  constructor(bytes: ByteSource, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.#bytes.size - this.at;
  }

  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  u16(): number {
    return this.take(2).readUInt16LE();
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  /** A count, size or offset; what no file can reach is an error. */
  u64(): number {
    const value = this.take(8).readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`a number of ${value}`);
    return Number(value);
  }

  take(length: number): Buffer {
    const bytes = this.#bytes.read(this.at, length);
    this.at += length;
    return bytes;
  }

  skip(length: number): void {
    if (length > this.left) throw new RangeError(`${length} bytes where ${this.left} are left`);
    this.at += length;
  }
}
