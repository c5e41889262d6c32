import { type Dtype, dtypes } from '../protocol/dtype.ts';
import type { SequenceMark } from '../protocol/sequence.ts';
import { nativeBinding } from './binding.ts';
import type { Answer, AnswerReader } from './channel-answer.ts';
import type { NativeChannel } from './channel-binding.ts';
import { channelLayout, type Priority } from './channel-layout.ts';
import { mailbox } from './channel-mailbox.ts';
import { NativeError, translated } from './native-error.ts';

/** One input of a request: which, and how much room it needs (strings: their packed form). */
export interface TensorSlot {
  /** Position in the model's signature. */
  readonly index: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

export interface PrepareOptions {
  /** Positions of the outputs wanted; all of them by default. */
  readonly outputs?: readonly number[];
  readonly priority?: Priority;
}

/** What a prepared request needs of its channel. */
export interface RequestSender {
  readonly native: NativeChannel;
  readonly reader: AnswerReader;
  failure(fault: number): Error;
}

/** Writes the description of a request to where the addon reads it. */
export function writeSpec(
  words: Float64Array,
  inputs: readonly TensorSlot[],
  options: PrepareOptions,
): void {
  const { bounds, priorities } = channelLayout();
  const { outputs = [], priority = 'normal' } = options;
  if (inputs.length > bounds.maxTensors || outputs.length > bounds.maxTensors) {
    throw new NativeError('INVALID_ARGUMENT', `at most ${bounds.maxTensors} tensors in a request`);
  }
  let at: number = mailbox.body;
  words[at++] = priorities[priority];
  words[at++] = outputs.length;
  for (const output of outputs) words[at++] = output;
  words[at++] = inputs.length;
  for (const { index, dtype, shape, byteLength } of inputs) {
    if (shape.length > bounds.maxRank) {
      throw new NativeError('INVALID_ARGUMENT', `rank ${shape.length} is above ${bounds.maxRank}`);
    }
    words[at++] = index;
    words[at++] = dtypes[dtype].onnx;
    words[at++] = byteLength;
    words[at++] = shape.length;
    for (const dim of shape) words[at++] = dim;
  }
}

/**
 * A request whose description lies in the arena already: write the inputs, submit, read the answer, and
 * again. One at a time; prepare several for several at once.
 */
export class PreparedRequest {
  /** One writable view per input, in the order given. Not to be written while a request is unanswered. */
  readonly inputs: readonly Uint8Array[];
  readonly #sender: RequestSender;
  readonly #native: NativeChannel;
  /** The block's number in the addon; −1 once it has been freed. */
  #prepared: number;

  constructor(sender: RequestSender, prepared: number, inputs: readonly Uint8Array[]) {
    this.#sender = sender;
    this.#native = sender.native;
    this.#prepared = prepared;
    this.inputs = inputs;
  }

  /** Which sequence its requests belong to from now on; null: to none. */
  setSequence(sequence: SequenceMark | null): void {
    const { sequenceFlags: flag } = channelLayout();
    const { id = '', start = false, end = false } = sequence ?? {};
    const flags = (start ? flag.start : 0) + (end ? flag.end : 0);
    const { handle } = this.#native;
    const fault = translated(() =>
      nativeBinding().channelSetSequence(handle, this.#prepared, id, flags),
    );
    if (fault !== 0) throw this.#sender.failure(fault);
  }

  /**
   * Asks, and returns the request's id, never 0. `deadlineNs` is a reading of CLOCK_MONOTONIC
   * (process.hrtime.bigint()) after which nobody wants the answer; 0: none.
   */
  submit(deadlineNs = 0): number {
    const id = this.#native.submit(this.#prepared, deadlineNs);
    if (id > 0) return id;
    throw this.#sender.failure(id);
  }

  /** Asks and spins: the answer if it came within `spinUs` microseconds, else the request's id. */
  submitAndSpin(spinUs: number, deadlineNs = 0): Answer | number {
    const id = this.#native.submitAndSpin(this.#prepared, spinUs, deadlineNs);
    if (id === 0) return this.#sender.reader.take();
    if (id > 0) return id;
    throw this.#sender.failure(id);
  }

  /**
   * Asks and blocks the thread until the answer is there: at most `timeoutMs`, which is the request's
   * deadline too; 0 waits for ever, but for the end of the channel. Answers to other requests that come
   * meanwhile are kept for poll().
   *
   * A model that this very thread serves (Engine.addCallbackModel) can never answer.
   */
  runSync(timeoutMs = 0): Answer {
    const fault = this.#native.runSync(this.#prepared, timeoutMs);
    if (fault === 0) return this.#sender.reader.take();
    throw this.#sender.failure(fault);
  }

  /** Gives the block back, at once or when its request is answered. Idempotent. */
  free(): void {
    if (this.#prepared < 0) return;
    const prepared = this.#prepared;
    this.#prepared = -1;
    translated(() => nativeBinding().channelFree(this.#native.handle, prepared));
  }

  [Symbol.dispose](): void {
    this.free();
  }
}
