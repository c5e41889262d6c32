import { availableParallelism } from 'node:os';
import type { ErrorCode } from '../protocol/error-codes.ts';
import { MlosError } from '../protocol/errors.ts';
import { requireFd, requireInteger } from './arguments.ts';
import { nativeBinding } from './binding.ts';
import { type Answer, AnswerReader, requireViewable } from './channel-answer.ts';
import type { ChannelHandle, NativeChannel } from './channel-binding.ts';
import { channelLayout } from './channel-layout.ts';
import { callFault, mailbox } from './channel-mailbox.ts';
import { NativeError, translated } from './native-error.ts';
import {
  PreparedRequest,
  type PrepareOptions,
  type TensorSlot,
  writeSpec,
} from './prepared-request.ts';
import { errorCodeOfStatus } from './status-code.ts';

export { type Answer, type AnswerTensor, foundNoRoom } from './channel-answer.ts';
export type { Priority } from './channel-layout.ts';
export {
  PreparedRequest,
  type PrepareOptions,
  type TensorSlot,
} from './prepared-request.ts';

/** The four descriptors that a client is handed, in this order beside the answer of models.attach. */
export interface ChannelFds {
  readonly requestRegion: number;
  readonly responseRegion: number;
  readonly bell: number;
  readonly socket: number;
}

export interface ClientChannelOptions {
  /**
   * The most microseconds that runSync spins before it sleeps; what it spins is learned below that.
   * Default 200; 0 on one-core hosts.
   */
  readonly spinUs?: number;
}

const defaultSpinUs = availableParallelism() > 1 ? 200 : 0;
const maxSpinUs = 1_000_000;
const closedState = 2;
const stateNames = ['opening', 'open', 'closed'] as const;

/**
 * The client's end of a channel to one loaded model. Requests and answers lie in shared memory; while
 * both sides are awake none costs a system call.
 *
 * Errors that the other side answered are in Answer.code; what this side finds out is thrown as MlosError:
 * TOO_MANY_REQUESTS (every slot is taken), DEADLINE_EXCEEDED (runSync's time is up), FAILED_PRECONDITION
 * (the PreparedRequest is still unanswered, or freed), and `closeCode` once the channel is closed.
 */
export class ClientChannel {
  readonly requestRegionFd: number;
  readonly socketFd: number;
  readonly requestArenaBytes: number;
  readonly responseArenaBytes: number;
  readonly #core: ChannelCore;

  private constructor(native: NativeChannel) {
    this.requestRegionFd = native.requestRegionFd;
    this.socketFd = native.socketFd;
    this.requestArenaBytes = native.requestArenaBytes;
    this.responseArenaBytes = native.responseArenaBytes;
    this.#core = new ChannelCore(native);
  }

  /**
   * Takes the descriptors over: they are closed with the channel, and already when this throws (unless
   * with INVALID_ARGUMENT). The request region is mapped and then sealed against every other writer.
   * @throws NativeError for regions that are not what a daemon makes.
   */
  static open(fds: ChannelFds, options: ClientChannelOptions = {}): ClientChannel {
    const { requestRegion, responseRegion, bell, socket } = fds;
    const { spinUs = defaultSpinUs } = options;
    const list = [requestRegion, responseRegion, bell, socket];
    for (const fd of list) requireFd(fd, 'fds');
    requireInteger(spinUs, 'spinUs', { min: 0, max: maxSpinUs });
    if (new Set(list).size !== list.length) {
      throw new NativeError(
        'INVALID_ARGUMENT',
        'the descriptors of a channel are four different ones',
      );
    }
    const native = translated(() =>
      nativeBinding().channelOpen(requestRegion, responseRegion, bell, socket, spinUs),
    );
    return new ClientChannel(native);
  }

  /**
   * A block of the request arena with room for these inputs; null: there is none now. Priority "normal" and
   * all outputs by default.
   */
  prepare(inputs: readonly TensorSlot[], options: PrepareOptions = {}): PreparedRequest | null {
    const { native, words } = this.#core.requireOpen();
    writeSpec(words, inputs, options);
    const prepared = translated(() => nativeBinding().channelPrepare(native.handle));
    if (prepared === callFault.noRoom) return null;
    if (prepared < 0) throw this.#core.failure(prepared);
    const buffer = this.#core.requestBuffer();
    const views = inputs.map(
      ({ byteLength }, i) => new Uint8Array(buffer, words[mailbox.body + i], byteLength),
    );
    return new PreparedRequest(this.#core, prepared, views);
  }

  /** The next answer, in the order of completion; null: none is there. Never blocks. */
  poll(): Answer | null {
    const { native, reader } = this.#core;
    return native.poll() === 1 ? reader.take() : null;
  }

  /** Spins for at most so many microseconds; true when poll() has something. */
  spin(spinUs: number): boolean {
    return this.#core.native.spin(spinUs) === 1;
  }

  /**
   * Asks the host for a byte on `socketFd` at the next completion, for an event loop that is about to
   * sleep. False: an answer is there already (or the channel is closed), and nothing was asked.
   */
  listen(): boolean {
    return translated(() => nativeBinding().channelListen(this.#core.native.handle));
  }

  /** Takes listen() back; eats the bytes that have come. */
  stopListening(): void {
    translated(() => nativeBinding().channelStopListening(this.#core.native.handle));
  }

  /** Says that the answer is no longer wanted; one comes nonetheless (CANCELLED, or the outputs). */
  cancel(requestId: number): void {
    requireInteger(requestId, 'requestId', { min: 0 });
    translated(() => nativeBinding().channelCancel(this.#core.native.handle, requestId));
  }

  /** Looks whether the other side is gone, which shows in `state`. */
  checkPeer(): void {
    translated(() => nativeBinding().channelCheckPeer(this.#core.native.handle));
  }

  get state(): 'opening' | 'open' | 'closed' {
    return stateNames[this.#core.state] ?? 'closed';
  }

  /** Why the channel is closed; null while it is not, or when this side closed it. */
  get closeCode(): ErrorCode | null {
    return this.#core.closeCode;
  }

  /** Of a request that was unanswered when the channel closed: whether its run may have begun. */
  wasBegun(requestId: number): boolean {
    requireInteger(requestId, 'requestId', { min: 0 });
    return translated(() => nativeBinding().channelWasBegun(this.#core.native.handle, requestId));
  }

  /** Requests that are unanswered, abandoned ones included. */
  get inFlight(): number {
    return translated(() => nativeBinding().channelInFlight(this.#core.native.handle));
  }

  /** Detaches every view and lets go of the memory. Idempotent. */
  close(): void {
    this.#core.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What a channel and its prepared requests share. */
export class ChannelCore {
  readonly native: NativeChannel;
  readonly words: Float64Array;
  readonly reader: AnswerReader;
  #requestBuffer: ArrayBuffer | undefined;
  #isClosed = false;
  #closeCode: ErrorCode | null = null;

  constructor(native: NativeChannel) {
    this.native = native;
    this.words = native.mailbox;
    this.reader = new AnswerReader(native);
    const { requestArenaOffset, responseArenaOffset } = channelLayout().bounds;
    try {
      requireViewable(requestArenaOffset + native.requestArenaBytes);
      requireViewable(responseArenaOffset + native.responseArenaBytes);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get handle(): ChannelHandle {
    return this.native.handle;
  }

  get state(): number {
    return this.#isClosed
      ? closedState
      : translated(() => nativeBinding().channelState(this.handle));
  }

  get closeCode(): ErrorCode | null {
    if (this.#isClosed) return this.#closeCode;
    if (this.state !== closedState) return null;
    return errorCodeOfStatus(translated(() => nativeBinding().channelCloseCode(this.handle)));
  }

  requireOpen(): this {
    if (this.#isClosed) throw this.failure(callFault.closed);
    return this;
  }

  requestBuffer(): ArrayBuffer {
    if (this.#requestBuffer === undefined || this.#requestBuffer.byteLength === 0) {
      this.#requestBuffer = translated(() => nativeBinding().channelRequestBuffer(this.handle));
    }
    return this.#requestBuffer;
  }

  /** The error for what a native call answered in place of success. */
  failure(fault: number): MlosError {
    switch (fault) {
      case callFault.busy:
        return new MlosError(
          'FAILED_PRECONDITION',
          'The prepared request is not answered yet; prepare another one to ask twice at once.',
        );
      case callFault.freed:
        return new MlosError('FAILED_PRECONDITION', 'The prepared request has been freed.');
      case callFault.timeout:
        return new MlosError(
          'DEADLINE_EXCEEDED',
          'The answer was not there within the time allowed.',
        );
      case callFault.full:
        return new MlosError(
          'TOO_MANY_REQUESTS',
          `All ${channelLayout().bounds.slots} slots of the channel are taken by unanswered requests.`,
        );
      case callFault.closed:
        return this.#closed();
      default:
        return new MlosError('INVALID_ARGUMENT', 'The description of the tensors is not valid.');
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#closeCode = this.closeCode;
    this.#isClosed = true;
    this.reader.close();
    this.#requestBuffer = undefined;
    translated(() => nativeBinding().channelClose(this.handle));
  }

  #closed(): MlosError {
    if (this.#isClosed) return new MlosError('FAILED_PRECONDITION', 'The channel has been closed.');
    const code = this.closeCode ?? 'PLUGIN_UNAVAILABLE';
    return new MlosError(code, `The channel to the model is closed: ${code}.`);
  }
}
