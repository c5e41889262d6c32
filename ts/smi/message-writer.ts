import { frameHeaderBytes } from '../protocol/frame.ts';
import { encodeMsgpack } from '../protocol/msgpack.ts';
import { smiLimits } from './smi-limits.ts';

/**
 * Builds one frame out of pieces, so that the elements of large tensors go to the kernel from where
 * they lie. Small values are encoded by the codec; containers and `bin` heads are written here.
 */
export class MessageWriter {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  get byteLength(): number {
    return this.#length;
  }

  #push(piece: Uint8Array): this {
    if (piece.byteLength > 0) this.#pieces.push(piece);
    this.#length += piece.byteLength;
    return this;
  }

  /** Any value, by the codec. */
  value(value: unknown): this {
    return this.#push(encodeMsgpack(value));
  }

  /** Head of a map; `entries` times `key()` and a value follow. */
  map(entries: number): this {
    return this.#push(Buffer.of(0xde, entries >> 8, entries & 0xff));
  }

  /** Head of an array; `items` values follow. */
  array(items: number): this {
    return this.#push(Buffer.of(0xdc, items >> 8, items & 0xff));
  }

  key(key: string): this {
    return this.value(key);
  }

  bytes(data: Uint8Array): this {
    const head = Buffer.allocUnsafe(5);
    head[0] = 0xc6;
    head.writeUInt32BE(data.byteLength, 1);
    return this.#push(head).#push(data);
  }

  /** The frame: one buffer where it is small, else its pieces in order. */
  finish(): readonly Uint8Array[] {
    const header = Buffer.allocUnsafe(frameHeaderBytes);
    header.writeUInt32BE(this.#length, 0);
    const whole = [header, ...this.#pieces];
    return this.#length <= smiLimits.joinBytes ? [Buffer.concat(whole)] : whole;
  }
}
