import type { Field, Type } from 'protobufjs';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

/**
 * Walks a message before it is decoded. An empty message takes two bytes on the wire and a hundred in
 * memory, a 64-bit number one and forty: a message within its size limit could ask for gigabytes. What is
 * counted is what becomes an object; the bytes of a tensor are one value and are skipped.
 */
/** Throws INVALID_FRAME where the bytes are no message of the type, or one of too many values. */
export function scanMessage(type: Type, bytes: Uint8Array): void {
  new MessageScan(type, bytes).run();
}

export function malformed(type: Type, why: string, cause?: unknown): MlosError {
  return new MlosError('INVALID_FRAME', `The message is no ${type.fullName.slice(1)}: ${why}.`, {
    cause,
  });
}

/** Objects that long.js makes. */
const wide = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);
const deepest = 96;
const mapValueTag = 18;

class MessageScan {
  readonly #type: Type;
  readonly #bytes: Uint8Array;
  #at = 0;
  #values = 0;

  constructor(type: Type, bytes: Uint8Array) {
    this.#type = type;
    this.#bytes = bytes;
  }

  run(): void {
    this.#fields(this.#type, this.#bytes.byteLength, 0);
  }

  #fields(type: Type, end: number, depth: number): void {
    if (depth > deepest) this.#fail(`it nests deeper than ${deepest} levels`);
    while (this.#at < end) {
      const tag = this.#varint(end);
      this.#count(1);
      const stop = this.#stopOf(tag % 8, end);
      if (stop !== null) this.#delimited(type.fieldsById[Math.floor(tag / 8)], stop, depth + 1);
    }
  }

  /** Passes a value; of a delimited one where it ends. */
  #stopOf(wireType: number, end: number): number | null {
    switch (wireType) {
      case 0:
        this.#varint(end);
        return null;
      case 1:
      case 5:
        this.#at += wireType === 1 ? 8 : 4;
        if (this.#at > end) this.#fail('it ends too early');
        return null;
      case 2: {
        const length = this.#varint(end);
        if (this.#at + length > end) this.#fail('it ends too early');
        return this.#at + length;
      }
      default:
        return this.#fail(`wire type ${wireType} is not read here`);
    }
  }

  #delimited(field: Field | undefined, stop: number, depth: number): void {
    const inner = field?.resolve().resolvedType ?? null;
    const type = inner !== null && 'fieldsById' in inner ? inner : null;
    if (field?.map === true) this.#entry(type, stop, depth);
    else if (type !== null) this.#fields(type, stop, depth);
    else if (field !== undefined && wide.has(field.type)) this.#packed(field.type, stop);
    this.#at = stop;
  }

  /** The entry of a map: key 1, value 2. */
  #entry(valueType: Type | null, end: number, depth: number): void {
    while (this.#at < end) {
      const tag = this.#varint(end);
      const stop = this.#stopOf(tag % 8, end);
      if (stop === null) continue;
      if (tag === mapValueTag && valueType !== null) this.#fields(valueType, stop, depth);
      this.#at = stop;
    }
  }

  /** Packed 64-bit numbers: each becomes an object. */
  #packed(kind: string, end: number): void {
    if (kind.includes('fixed')) {
      this.#count(Math.ceil((end - this.#at) / 8));
      return;
    }
    let numbers = 0;
    for (let at = this.#at; at < end; at++) if ((this.#bytes[at] ?? 0) < 128) numbers += 1;
    this.#count(numbers);
  }

  #count(values: number): void {
    this.#values += values;
    if (this.#values <= limits.grpcMessageValues) return;
    this.#fail(`it has more than ${limits.grpcMessageValues} values; send large tensors as bytes`);
  }

  /** As a number: exact for tags and lengths; of values only the length matters here. */
  #varint(end: number): number {
    let value = 0;
    for (let index = 0; index < 10; index++) {
      if (this.#at >= end) this.#fail('it ends too early');
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * 2 ** (7 * index);
      if (byte < 128) return value;
    }
    return this.#fail('a number is longer than ten bytes');
  }

  #fail(why: string): never {
    throw malformed(this.#type, why);
  }
}
