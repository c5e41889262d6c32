import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { connectSocket, receiveDescriptors, sendDescriptors } from '../../native/fd-socket.ts';
import { onReadable } from '../../native/readable.ts';
import { frame } from '../../protocol/frame.ts';
import { decodeMsgpack, encodeMsgpack } from '../../protocol/msgpack.ts';

export interface AnswerWithFiles {
  readonly answer: readonly [id: unknown, error: { code?: string } | null, result: unknown];
  /** The caller's to close. */
  readonly fds: readonly number[];
}

export function requestFrame(id: number | string, method: string, params: unknown = {}): Buffer {
  return frame(encodeMsgpack([id, method, params]));
}

/** The IPC socket as a program without our library sees it: bytes and descriptors, read by recvmsg. */
export class DescriptorClient {
  readonly fd: number;
  #received = Buffer.alloc(0);
  #fds: number[] = [];
  #ended = false;
  #closed = false;

  constructor(path: string) {
    this.fd = connectSocket(path);
  }

  /** Sends all of the bytes; the descriptors go with the first. The socket must have room. */
  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    const taken = sendDescriptors(this.fd, bytes, fds);
    if (taken < bytes.byteLength) this.send(bytes.subarray(taken));
  }

  /** The same, waiting while the socket has no room. */
  async sendWhole(bytes: Uint8Array, fds: readonly number[] = []): Promise<void> {
    for (let sent = 0; sent < bytes.byteLength; ) {
      try {
        sent += sendDescriptors(this.fd, bytes.subarray(sent), sent === 0 ? fds : []);
      } catch (error) {
        if ((error as { code?: string }).code !== 'EAGAIN') throw error;
        await delay(1);
      }
    }
  }

  request(id: number | string, method: string, params: unknown = {}, fds: readonly number[] = []) {
    this.send(requestFrame(id, method, params), fds);
    return this.next();
  }

  /** The next answer with the descriptors that came beside its first byte; null at the end. */
  async next(): Promise<AnswerWithFiles | null> {
    for (;;) {
      const length = this.#received.length < 4 ? null : this.#received.readUInt32BE(0);
      if (length !== null && this.#received.length >= 4 + length) {
        const payload = this.#received.subarray(4, 4 + length);
        this.#received = this.#received.subarray(4 + length);
        const fds = this.#fds;
        this.#fds = [];
        return { answer: decodeMsgpack(payload) as unknown as AnswerWithFiles['answer'], fds };
      }
      if (this.#ended) return null;
      await this.#read(
        length === null ? 4 - this.#received.length : 4 + length - this.#received.length,
      );
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.fd);
    for (const fd of this.#fds) closeSync(fd);
  }

  /** Never past the end of a header or payload: descriptors belong to the frame that begins there. */
  async #read(wanted: number): Promise<void> {
    const limits = { maxBytes: Math.min(wanted, 1024 * 1024), maxFds: 16 };
    const message = receiveDescriptors(this.fd, limits);
    if (message === null) {
      await new Promise<void>((resolve) => onReadable(this.fd, resolve, { keepAlive: true }));
      return;
    }
    this.#ended = message.bytes.byteLength === 0;
    if (message.fds.length > 0 && this.#received.length > 0) {
      throw new Error('Descriptors came within a frame.');
    }
    this.#fds.push(...message.fds);
    this.#received = Buffer.concat([this.#received, message.bytes]);
  }
}
