import type { Socket } from 'node:net';

/**
 * A client that ends its side may still be waiting for answers, or be gone altogether; the stream
 * looks the same. The kernel knows: it is asked now and then while answers are owed, so that the work
 * of a dead client is cancelled.
 */
const periodMs = 100;

export class HangUpWatch {
  readonly #socket: Socket;
  readonly #isGone: (socket: Socket) => boolean;
  #timer: NodeJS.Timeout | null = null;

  constructor(socket: Socket, isGone: (socket: Socket) => boolean) {
    this.#socket = socket;
    this.#isGone = isGone;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), periodMs);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    if (!this.#socket.destroyed && this.#isGone(this.#socket)) this.#socket.destroy();
  }
}
