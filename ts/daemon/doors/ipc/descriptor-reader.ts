import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { descriptorOf, receiveDescriptors, stopReading } from '../../../native/fd-socket.ts';
import { toNativeError } from '../../../native/native-error.ts';
import { onReadable, type Watch } from '../../../native/readable.ts';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

export interface DescriptorEvents {
  /** Bytes up to the end of the header or payload under way; with 0, nothing more can be used. */
  readonly wanted: () => number;
  /** Whether a frame has begun. */
  readonly partial: () => boolean;
  /** Takes over `fds`, which belong to the frame that begins with these bytes. */
  readonly onBytes: (bytes: Buffer, fds: readonly number[]) => void;
  readonly onRefused: (error: MlosError) => void;
}

/**
 * Reads a connection whose frames may carry descriptors. Node drops descriptors unseen, so net.Socket
 * stops reading for good and keeps writing and the life-cycle. Rules:
 *
 * 1. Descriptors belong to the frame that begins with the byte they came with. So no read goes past the
 *    end of a header or a payload: what comes with the first byte of a header is that frame's, and
 *    what comes with any other byte is refused.
 * 2. A turn reads so much and no more: one busy client does not hold the others up.
 * 3. The number of the socket is asked for anew each time: once net.Socket is destroyed it may be
 *    another file's.
 */
const readsPerTurn = 32;
const mostBytes = 256 * 1024;

export class DescriptorReader {
  readonly #socket: Socket;
  readonly #events: DescriptorEvents;
  #watch: Watch | null = null;
  #paused = false;
  #ended = false;

  /** `socket` is connected and read by nobody; what net.Socket has read already is the caller's. */
  constructor(socket: Socket, events: DescriptorEvents) {
    this.#socket = socket;
    this.#events = events;
    stopReading(socket);
    this.#arm();
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
    this.stop();
  }

  resume(): void {
    this.#paused = false;
    this.#arm();
  }

  /** Waits for nothing any more. */
  stop(): void {
    this.#watch?.cancel();
    this.#watch = null;
  }

  #arm(): void {
    if (this.#watch !== null || this.#paused || this.#ended || this.#socket.destroyed) return;
    this.#watch = onReadable(descriptorOf(this.#socket), () => {
      this.#watch = null;
      this.#readTurn();
    });
  }

  #readTurn(): void {
    for (let reads = 0; reads < readsPerTurn; reads++) {
      if (this.#paused || this.#ended || this.#socket.destroyed) return;
      if (!this.#readOnce()) break;
    }
    this.#arm();
  }

  /** False: nothing is there. */
  #readOnce(): boolean {
    const wanted = this.#events.wanted();
    const isDropping = wanted === 0;
    const maxBytes = isDropping ? mostBytes : Math.min(wanted, mostBytes);
    const maxFds = this.#events.partial() && !isDropping ? 0 : limits.ipcFrameDescriptors;
    let message: ReturnType<typeof receiveDescriptors>;
    try {
      message = receiveDescriptors(descriptorOf(this.#socket), { maxBytes, maxFds });
    } catch (thrown) {
      this.#failed(toNativeError(thrown).code);
      return true;
    }
    if (message === null) return false;
    const { bytes, fds } = message;
    if (bytes.byteLength === 0) this.#end();
    else if (isDropping) for (const fd of fds) closeSync(fd);
    else this.#events.onBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), fds);
    return true;
  }

  #failed(code: string): void {
    if (code !== 'MESSAGE_TRUNCATED') {
      this.#socket.destroy();
      return;
    }
    this.#events.onRefused(
      new MlosError(
        'INVALID_FRAME',
        `A frame carries at most ${limits.ipcFrameDescriptors} descriptors, all beside its first byte.`,
      ),
    );
  }

  /** The client has ended its side: from here on it is net.Socket's usual life. */
  #end(): void {
    this.#ended = true;
    this.#socket.push(null);
    this.#socket.resume();
  }
}
