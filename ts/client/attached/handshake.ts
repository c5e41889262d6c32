import { closeSync } from 'node:fs';
import { connectSocket, receiveDescriptors, sendDescriptors } from '../../native/fd-socket.ts';
import { MlosError } from '../../protocol/errors.ts';
import { FrameReader, frame } from '../../protocol/frame.ts';
import { decodeMsgpack, encodeMsgpack } from '../../protocol/msgpack.ts';
import { connectError, lostError } from '../connection-error.ts';
import { type AttachParams, readFacts } from './attach-facts.ts';
import { channelDescriptors, type OpenedChannel, openChannel } from './open-channel.ts';

/**
 * How a client comes by a channel: one connection to the daemon, on which descriptors come back.
 *
 *     models.attach      → facts, and four descriptors beside the first byte of the answer
 *     (map and seal our region)
 *     channels.activate  → the host has taken our region
 *
 * 1. Descriptors are dropped by net.Socket, so the socket is read here.
 * 2. Each step that has to wait yields the descriptor to wait for. Who drives it waits in the event
 *    loop or, for the synchronous calls, by sleeping.
 * 3. Whatever ends the exchange, no descriptor stays open but those of the channel.
 */
export type Exchange<T> = Generator<number, T, void>;

const maxAnswerBytes = 1024 * 1024;
/** An answer has some hundred bytes; a signature of hundreds of tensors takes a few turns. */
const readBytes = 16 * 1024;

class AttachConnection {
  readonly #fd: number;
  readonly #where: string;
  readonly #reader: FrameReader;
  readonly #answers: unknown[] = [];
  #fds: number[] = [];

  constructor(where: string) {
    this.#where = where;
    try {
      this.#fd = connectSocket(where);
    } catch (error) {
      throw connectError(error, where);
    }
    this.#reader = new FrameReader({
      maxBytes: maxAnswerBytes,
      onFrame: (payload) => this.#answers.push(decodeMsgpack(payload)),
    });
  }

  *call(id: number, method: string, params: object): Exchange<unknown> {
    this.#send(frame(encodeMsgpack([id, method, params])));
    for (;;) {
      if (this.#answers.length > 0) return resultOf(id, this.#answers.shift());
      if (!this.#receive()) yield this.#fd;
    }
  }

  /** What came with the answers; the caller's from here on. */
  takeDescriptors(): number[] {
    const fds = this.#fds;
    this.#fds = [];
    return fds;
  }

  close(): void {
    for (const fd of [...this.takeDescriptors(), this.#fd]) closeSync(fd);
  }

  #send(bytes: Uint8Array): void {
    let sent: number;
    try {
      sent = sendDescriptors(this.#fd, bytes, []);
    } catch (error) {
      throw lostError(this.#where, error);
    }
    // Some hundred bytes into the empty buffer of a new socket.
    if (sent < bytes.byteLength) throw lostError(this.#where);
  }

  /** False: nothing is there. */
  #receive(): boolean {
    let message: ReturnType<typeof receiveDescriptors>;
    try {
      const maxFds = channelDescriptors - this.#fds.length;
      message = receiveDescriptors(this.#fd, { maxBytes: readBytes, maxFds });
    } catch (error) {
      throw lostError(this.#where, error);
    }
    if (message === null) return false;
    this.#fds.push(...message.fds);
    if (message.bytes.byteLength === 0) throw lostError(this.#where);
    this.#reader.push(
      Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength),
    );
    return true;
  }
}

function resultOf(id: number, answer: unknown): unknown {
  if (!Array.isArray(answer) || answer.length !== 3) {
    throw new MlosError('INVALID_FRAME', 'The daemon sent a frame that is no answer.');
  }
  const [answered, error, result] = answer as [unknown, unknown, unknown];
  if (error !== null) throw MlosError.fromWire(error);
  if (answered !== id) {
    throw new MlosError('INVALID_FRAME', 'The daemon answered what was not asked.');
  }
  return result;
}

/** Attaches. Errors: those of models.attach, FAILED_PRECONDITION where no daemon listens. */
export function* attachChannel(
  where: string,
  params: AttachParams,
  options: { readonly spinUs?: number },
): Exchange<OpenedChannel> {
  const connection = new AttachConnection(where);
  try {
    const facts = readFacts(yield* connection.call(1, 'models.attach', params));
    const spinUs = options.spinUs ?? facts.spinUs;
    const opened = openChannel(connection.takeDescriptors(), spinUs);
    try {
      yield* connection.call(2, 'channels.activate', { channel_id: facts.channelId });
    } catch (error) {
      opened.channel.close();
      closeSync(opened.wakeFd);
      throw error;
    }
    return { ...opened, facts: { ...facts, spinUs } };
  } finally {
    connection.close();
  }
}
