/** Bytes that can be read anywhere, a few at a time: a file through a window, a part of one, a buffer. */
export interface ByteSource {
  readonly size: number;
  /** `length` bytes from `offset`; valid until the next call. Throws RangeError past the end. */
  read(offset: number, length: number): Buffer;
}

export class Part implements ByteSource {
  readonly size: number;
  readonly #whole: ByteSource;
  readonly #start: number;

  constructor(whole: ByteSource, start: number, size: number) {
    if (start < 0 || size < 0 || start + size > whole.size)
      throw new RangeError(`bytes ${start} to ${start + size} lie past the end (${whole.size})`);
    this.#whole = whole;
    this.#start = start;
    this.size = size;
  }

  read(offset: number, length: number): Buffer {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw new RangeError(`bytes ${offset} to ${offset + length} lie past the end (${this.size})`);
    return this.#whole.read(this.#start + offset, length);
  }
}

export class InMemory implements ByteSource {
  readonly size: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  read(offset: number, length: number): Buffer {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw new RangeError(`bytes ${offset} to ${offset + length} lie past the end (${this.size})`);
    return this.#bytes.subarray(offset, offset + length);
  }
}
