import { constants } from 'node:buffer';
import { type Dtype, dtypeNames, dtypes } from '../protocol/dtype.ts';
import type { ErrorCode } from '../protocol/error-codes.ts';
import { nativeBinding } from './binding.ts';
import type { NativeChannel } from './channel-binding.ts';
import { mailbox as at } from './channel-mailbox.ts';
import { NativeError, translated } from './native-error.ts';
import { errorCodeOfStatus } from './status-code.ts';

/**
 * One output. `bytes` lies in the channel's memory until release(): copy what is to live longer. A store
 * to it stays in this process and spoils nothing.
 */
export interface AnswerTensor {
  /** Position in the model's signature. */
  readonly index: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Elements, row-major and little-endian; strings packed (packed-strings.ts). */
  readonly bytes: Uint8Array;
}

export interface Answer {
  readonly requestId: number;
  /** Null: success. */
  readonly code: ErrorCode | null;
  /** Of the error; "" for success. */
  readonly message: string;
  readonly outputs: readonly AnswerTensor[];
  /** Time in the queue and of the run itself. */
  readonly queueNs: number;
  readonly runNs: number;
  /** Requests that ran together. */
  readonly batch: number;
  /** Gives the outputs' memory back; idempotent. A channel holds 512 unreleased answers at most. */
  release(): void;
}

/**
 * Whether the model ran, and there was no room for its outputs: the arena is too small, or full of other
 * answers. On a larger channel the request can succeed. One that a full queue refused has not run.
 */
export function foundNoRoom({ code, runNs }: Answer): boolean {
  return code === 'PAYLOAD_TOO_LARGE' || (code === 'TOO_MANY_REQUESTS' && runNs > 0);
}

const dtypeOfNumber: readonly (Dtype | undefined)[] = (() => {
  const list: (Dtype | undefined)[] = [];
  for (const name of dtypeNames) list[dtypes[name].onnx] = name;
  return list;
})();

/** Words of one output before its dimensions. */
const tensorWords = 5;
/** Blocks whose views are remembered; a channel of small answers uses a handful. */
const maxRemembered = 1024;

interface Remembered {
  readonly words: Float64Array;
  readonly outputs: readonly AnswerTensor[];
}

/** Reads answers out of the mailbox, and collects what is to be given back. */
export class AnswerReader {
  readonly #native: NativeChannel;
  readonly #mailbox: Float64Array;
  /**
   * A model's answers come to lie in the same few places, and a view costs more than all else here: the
   * outputs of the last answer in each place are used again where nothing but their elements differs.
   */
  readonly #remembered = new Map<number, Remembered>();
  #buffer: ArrayBuffer | undefined;
  #open = true;

  constructor(native: NativeChannel) {
    this.#native = native;
    this.#mailbox = native.mailbox;
  }

  /** The answer that a native call has just put into the mailbox. */
  take(): Answer {
    return new ChannelAnswer(this, this.#mailbox);
  }

  message(): string {
    return translated(() => nativeBinding().channelMessage(this.#native.handle));
  }

  outputs(): readonly AnswerTensor[] {
    const words = this.#mailbox;
    const place = words[at.releaseOffset] as number;
    const remembered = this.#remembered.get(place);
    if (remembered !== undefined && this.#isSame(remembered.words)) {
      // A buffer that was moved away shows as empty views.
      if (this.#buffer?.byteLength !== 0) return remembered.outputs;
      this.#remembered.clear();
    }
    const outputs = this.#read();
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    const end = at.body + (words[at.outputWords] as number);
    this.#remembered.set(place, { words: words.slice(at.body, end), outputs });
    return outputs;
  }

  /** Notes a block to be given back with the next call, in order. */
  release(offset: number): void {
    if (!this.#open) return;
    const words = this.#mailbox;
    let count = words[at.releaseCount] as number;
    if (count === at.maxReleases) {
      nativeBinding().channelFlush(this.#native.handle);
      count = 0;
    }
    words[at.releases + count] = offset;
    words[at.releaseCount] = count + 1;
  }

  close(): void {
    this.#open = false;
    this.#remembered.clear();
    this.#buffer = undefined;
  }

  #isSame(words: Float64Array): boolean {
    const current = this.#mailbox;
    const length = words.length;
    if (length !== current[at.outputWords]) return false;
    for (let i = 0; i < length; i += 1) if (words[i] !== current[at.body + i]) return false;
    return true;
  }

  #read(): readonly AnswerTensor[] {
    const words = this.#mailbox;
    const count = words[at.outputCount] as number;
    const outputs = new Array<AnswerTensor>(count);
    let word: number = at.body;
    for (let i = 0; i < count; i += 1) {
      const [index, dtype, offset, byteLength, rank] = words.subarray(
        word,
        word + tensorWords,
      ) as unknown as [number, number, number, number, number];
      const dims = word + tensorWords;
      outputs[i] = {
        index,
        dtype: dtypeOfNumber[dtype] as Dtype,
        shape: Object.freeze(Array.from(words.subarray(dims, dims + rank))),
        bytes: new Uint8Array(this.#responseBuffer(), offset, byteLength),
      };
      word = dims + rank;
    }
    return Object.freeze(outputs);
  }

  #responseBuffer(): ArrayBuffer {
    if (this.#buffer === undefined || this.#buffer.byteLength === 0) {
      this.#buffer = translated(() => nativeBinding().channelResponseBuffer(this.#native.handle));
    }
    return this.#buffer;
  }
}

const noOutputs: readonly AnswerTensor[] = Object.freeze([]);

class ChannelAnswer implements Answer {
  readonly requestId: number;
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly outputs: readonly AnswerTensor[];
  readonly queueNs: number;
  readonly runNs: number;
  readonly batch: number;
  readonly #reader: AnswerReader;
  #offset: number;

  constructor(reader: AnswerReader, words: Float64Array) {
    const status = words[at.status] as number;
    this.requestId = words[at.requestId] as number;
    this.queueNs = words[at.queueNs] as number;
    this.runNs = words[at.runNs] as number;
    this.batch = words[at.batch] as number;
    this.#reader = reader;
    this.#offset = words[at.releaseOffset] as number;
    if (status === 0) {
      this.code = null;
      this.message = '';
      this.outputs = reader.outputs();
    } else {
      this.code = errorCodeOfStatus(status);
      this.message = reader.message();
      this.outputs = noOutputs;
      // The text has been copied.
      this.release();
    }
  }

  release(): void {
    if (this.#offset < 0) return;
    const offset = this.#offset;
    this.#offset = -1;
    this.#reader.release(offset);
  }
}

/** Throws unless this Node can show so many bytes in one buffer. */
export function requireViewable(byteLength: number): void {
  if (byteLength <= constants.MAX_LENGTH) return;
  throw new NativeError(
    'REGION_TOO_LARGE',
    `this Node cannot show more than ${constants.MAX_LENGTH} bytes of a channel`,
  );
}
