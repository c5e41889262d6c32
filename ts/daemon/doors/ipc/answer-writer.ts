import type { Socket } from 'node:net';
import { descriptorOf, sendDescriptors } from '../../../native/fd-socket.ts';
import { toNativeError } from '../../../native/native-error.ts';
import { limits } from '../../../protocol/limits.ts';
import type { AnswerFiles } from '../../request-context.ts';

/**
 * What goes out to one client. Frames leave whole and in the order in which they were written. Rules:
 *
 * 1. Descriptors travel beside the first byte of their frame, and net.Socket cannot send any. So that
 *    frame is handed to the kernel past it, and only when nothing waits in net.Socket's own buffer.
 * 2. Until then the frame waits here, and whatever is written after it waits behind it.
 * 3. Nobody tells when a socket of the kernel's has room again for what net.Socket does not know of: it
 *    is tried again now and then, for `ipcDescriptorSendMs`. A client that has not read by then is cut.
 * 4. Files are released once: sent, or never to be sent.
 */
const retryMs = 5;
/** Of a large frame, what goes out beside the descriptors; the rest goes the usual way. */
const firstBytes = 64 * 1024;
/** The kernel's way to say: later. */
const temporary = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM', 'ETOOMANYREFS']);

interface Waiting {
  readonly buffers: readonly Buffer[];
  readonly files: AnswerFiles | null;
}

export class AnswerWriter {
  readonly #socket: Socket;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #waitingSince = 0;
  #timer: NodeJS.Timeout | null = null;
  #afterAll: (() => void) | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the client has not taken yet. */
  get length(): number {
    return this.#socket.writableLength + this.#waitingBytes;
  }

  /** Takes over `files`. Cuts a client that lets too much pile up. */
  write(buffers: readonly Buffer[], files: AnswerFiles | null = null): void {
    const socket = this.#socket;
    if (!socket.writable) {
      files?.release();
      return;
    }
    if (files === null && this.#waiting.length === 0) this.#pass(buffers);
    else {
      if (this.#waiting.length === 0) this.#waitingSince = performance.now();
      this.#waiting.push({ buffers, files });
      this.#waitingBytes += bytesOf(buffers);
      this.#flush();
    }
    if (this.length > limits.ipcOutboundBytes) socket.destroy();
  }

  /** Runs `body`; all that it writes goes out together. */
  together(body: () => void): void {
    this.#socket.cork();
    try {
      body();
    } finally {
      this.#socket.uncork();
    }
    if (this.#waiting.length > 0) this.#flush();
  }

  /** Calls back when all that was written is in net.Socket's hands. */
  whenPassed(callback: () => void): void {
    if (this.#waiting.length === 0) callback();
    else this.#afterAll = callback;
  }

  /** The socket is gone. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#afterAll = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { files } of waiting) files?.release();
  }

  #pass(buffers: readonly Buffer[]): void {
    const socket = this.#socket;
    if (buffers.length > 1) socket.cork();
    for (const buffer of buffers) socket.write(buffer);
    if (buffers.length > 1) socket.uncork();
  }

  #flush(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#socket.destroyed) return; // 'close' follows, and with it close().
      if (next.files === null) this.#pass(next.buffers);
      else if (!this.#sendWithFiles(next.buffers, next.files)) {
        this.#tryLater();
        return;
      }
      this.#waiting.shift();
      this.#waitingBytes -= bytesOf(next.buffers);
    }
    const callback = this.#afterAll;
    this.#afterAll = null;
    callback?.();
  }

  /** Rule 1. False: it cannot be sent now. */
  #sendWithFiles(buffers: readonly Buffer[], files: AnswerFiles): boolean {
    const socket = this.#socket;
    const [first = Buffer.alloc(0), ...others] = buffers;
    if (socket.writableLength > 0) return false;
    let taken: number;
    try {
      taken = sendDescriptors(
        descriptorOf(socket),
        first.subarray(0, firstBytes),
        files.descriptors,
      );
    } catch (thrown) {
      if (temporary.has(toNativeError(thrown).code)) return false;
      files.release();
      socket.destroy();
      return true;
    }
    files.release();
    const rest = taken < first.byteLength ? [first.subarray(taken), ...others] : others;
    if (rest.length > 0) this.#pass(rest);
    return true;
  }

  /** Rule 3. */
  #tryLater(): void {
    if (this.#timer !== null) return;
    if (performance.now() - this.#waitingSince > limits.ipcDescriptorSendMs) {
      this.#socket.destroy();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, retryMs);
  }
}

function bytesOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
}
