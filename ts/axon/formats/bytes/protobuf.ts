import type { FileWindow } from './file-window.ts';
import { FormatError } from './read-file.ts';

/** One field of a protobuf message: a number for wire type 0, else where its bytes lie. */
export interface Field {
  readonly number: number;
  readonly wire: 0 | 1 | 2 | 5;
  readonly value: bigint;
  readonly offset: number;
  readonly length: number;
}

/** Malformed bytes. The caller names the file. */
export class ProtobufError extends FormatError {
  override readonly name = 'ProtobufError';
}

/** More fields than any real model's skeleton has; a hostile file could hold billions of empty ones. */
const maxFields = 20_000_000;
const maxTextBytes = 64 * 1024;

/** Walks messages in a file without loading them: what is not looked into is skipped by a seek. */
export class ProtobufReader {
  readonly #file: FileWindow;
  #fields = 0;

  constructor(file: FileWindow) {
    this.#file = file;
  }

  root(): Generator<Field> {
    return this.#walk(0, this.#file.size);
  }

  fields(message: Field): Generator<Field> {
    if (message.wire !== 2) throw new ProtobufError(`field ${message.number} is not a message`);
    return this.#walk(message.offset, message.offset + message.length);
  }

  text(field: Field): string {
    if (field.wire !== 2) throw new ProtobufError(`field ${field.number} is not text`);
    if (field.length > maxTextBytes) throw new ProtobufError(`a text of ${field.length} bytes`);
    return this.#file.read(field.offset, field.length).toString('utf8');
  }

  *#walk(start: number, end: number): Generator<Field> {
    let at = start;
    while (at < end) {
      this.#fields += 1;
      if (this.#fields > maxFields) throw new ProtobufError(`more than ${maxFields} fields`);
      const [tag, afterTag] = this.#varint(at, end);
      const number = Number(tag >> 3n);
      if (number === 0) throw new ProtobufError('a field with number 0');
      const field = this.#field(number, Number(tag & 7n), afterTag, end);
      at = field.offset + field.length;
      if (at > end) throw new ProtobufError(`field ${number} reaches past its message`);
      yield field;
    }
  }

  #field(number: number, wire: number, at: number, end: number): Field {
    switch (wire) {
      case 0: {
        const [value, offset] = this.#varint(at, end);
        return { number, wire, value, offset, length: 0 };
      }
      case 1:
        return { number, wire, value: 0n, offset: at, length: 8 };
      case 2: {
        const [length, offset] = this.#varint(at, end);
        if (length > BigInt(end - offset))
          throw new ProtobufError(`field ${number} reaches past its message`);
        return { number, wire, value: 0n, offset, length: Number(length) };
      }
      case 5:
        return { number, wire, value: 0n, offset: at, length: 4 };
      default:
        throw new ProtobufError(`wire type ${wire}`);
    }
  }

  #varint(start: number, end: number): [bigint, number] {
    let value = 0n;
    for (let index = 0; index < 10; index++) {
      const at = start + index;
      if (at >= end) throw new ProtobufError('a number that is cut off');
      const byte = this.#file.read(at, 1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return [BigInt.asUintN(64, value), at + 1];
    }
    throw new ProtobufError('a number of more than 10 bytes');
  }
}
