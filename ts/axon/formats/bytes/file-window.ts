import fs from 'node:fs';

import type { ByteSource } from './byte-source.ts';

const windowBytes = 64 * 1024;

/** Random access to a file through one small window: skipping gigabytes of weights costs a seek. */
export class FileWindow implements ByteSource {
  readonly size: number;
  readonly #fd: number;
  #base = 0;
  #window: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#fd = fs.openSync(file, 'r');
    this.size = fs.fstatSync(this.#fd).size;
  }

  /** `length` bytes from `offset`; valid until the next call. Throws RangeError past the end. */
  read(offset: number, length: number): Buffer {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw new RangeError(`bytes ${offset} to ${offset + length} lie past the end (${this.size})`);
    if (length > windowBytes) return this.#load(offset, length);
    if (offset < this.#base || offset + length > this.#base + this.#window.length) {
      this.#window = this.#load(offset, Math.min(windowBytes, this.size - offset));
      this.#base = offset;
    }
    return this.#window.subarray(offset - this.#base, offset - this.#base + length);
  }

  #load(offset: number, length: number): Buffer {
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const bytes = fs.readSync(this.#fd, buffer, done, length - done, offset + done);
      if (bytes === 0) throw new RangeError('the file became shorter while it was read');
      done += bytes;
    }
    return buffer;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
