import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/*
 * onnxruntime-node reports the same empty shape for a scalar and for a value whose rank the model
 * leaves open. The model file knows: this walks over it and names the inputs and outputs that have no
 * shape. It skips nodes and weights without reading them. Field numbers are those of onnx.proto.
 */
const windowBytes = 64 * 1024;
/** One input or output; names and dimensions, so kilobytes at most. */
const valueBytes = 1024 * 1024;

/** A position in a file, or in the bytes of one message. */
class Cursor {
  readonly #fd: number | null;
  #window: Buffer;
  #windowStart = 0;
  position = 0;

  constructor(source: number | Buffer) {
    this.#fd = typeof source === 'number' ? source : null;
    this.#window = typeof source === 'number' ? Buffer.alloc(0) : source;
  }

  byte(): number {
    const offset = this.position - this.#windowStart;
    if (offset < 0 || offset >= this.#window.length) this.#fill();
    const value = this.#window[this.position - this.#windowStart];
    if (value === undefined) throw new RangeError('The file ends within a field.');
    this.position += 1;
    return value;
  }

  /** Lengths and tags are below 2^53; longer numbers are only passed over. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('A number is too long.');
  }

  bytes(length: number): Buffer {
    if (length > valueBytes) throw new RangeError('A value is too large.');
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = this.byte();
    return bytes;
  }

  #fill(): void {
    if (this.#fd === null) return;
    const window = Buffer.allocUnsafe(windowBytes);
    const length = readSync(this.#fd, window, 0, windowBytes, this.position);
    this.#window = window.subarray(0, length);
    this.#windowStart = this.position;
  }
}

/** Calls back at the start of each length-delimited field; whatever it reads, the next field follows. */
function walk(cursor: Cursor, end: number, onField: (field: number, length: number) => void): void {
  while (cursor.position < end) {
    const tag = cursor.varint();
    const type = tag % 8;
    if (type === 0) cursor.varint();
    else if (type === 1) cursor.position += 8;
    else if (type === 5) cursor.position += 4;
    else if (type === 2) {
      const length = cursor.varint();
      const next = cursor.position + length;
      onField(Math.floor(tag / 8), length);
      cursor.position = next;
    } else throw new RangeError('No protobuf.');
  }
}

/** Name of a ValueInfoProto that is a tensor without a shape, or null. */
function ranklessName(value: Buffer): string | null {
  let name = '';
  let isTensor = false;
  let hasShape = false;
  const cursor = new Cursor(value);
  walk(cursor, value.length, (field, length) => {
    if (field === 1) name = cursor.bytes(length).toString();
    if (field !== 2) return;
    walk(cursor, cursor.position + length, (kind, size) => {
      if (kind !== 1) return;
      isTensor = true;
      walk(cursor, cursor.position + size, (part) => {
        if (part === 2) hasShape = true;
      });
    });
  });
  return isTensor && !hasShape ? name : null;
}

const graphField = 7;
const inputField = 11;
const outputField = 12;

function scan(fd: number): Set<string> {
  const names = new Set<string>();
  const cursor = new Cursor(fd);
  walk(cursor, fstatSync(fd).size, (field, length) => {
    if (field !== graphField) return;
    walk(cursor, cursor.position + length, (part, size) => {
      if (part !== inputField && part !== outputField) return;
      const name = ranklessName(cursor.bytes(size));
      if (name !== null) names.add(name);
    });
  });
  return names;
}

/** Names of the inputs and outputs whose rank the model leaves open; none where the file is not ONNX. */
export function ranklessValues(file: string): ReadonlySet<string> {
  const fd = openSync(file, 'r');
  try {
    return scan(fd);
  } catch {
    return new Set();
  } finally {
    closeSync(fd);
  }
}
