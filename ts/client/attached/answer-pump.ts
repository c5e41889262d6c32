import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Answer, ClientChannel } from '../../native/client-channel.ts';

/**
 * Brings a channel's answers into the event loop, without a thread and without blocking it.
 *
 *     idle ──wake()──→ looking ──no answer for a while──→ listening ──byte──→ looking
 *       ↑                 │ nothing is under way             (the host sends one when it answers)
 *       └─────────────────┘
 *
 * 1. While answers come fast it looks once per turn of the event loop: no system call on either
 *    side, and every answer that is there is taken in one go.
 * 2. The socket keeps the process running only while something is under way, and it is read all the
 *    time: its end means that the host is gone.
 */
export interface PumpOwner {
  onAnswer(answer: Answer): void;
  /** After the answers of one look. */
  onDrained(): void;
  /** No answer comes any more. */
  onEnd(): void;
  /** Whether answers are waited for. */
  isWaiting(): boolean;
}

/** Looking without an answer ends after this long, in ms. */
const lookMs = 0.05;
/** Hosts that take longer than this are not looked for at all, in ns. */
const fastNs = 100_000;

export class AnswerPump {
  readonly #channel: ClientChannel;
  readonly #owner: PumpOwner;
  readonly #socket: Socket;
  readonly #looks: boolean;
  #state: 'idle' | 'looking' | 'listening' | 'ended' = 'idle';
  #lookUntilMs = 0;
  /** What the last answer took in the host. */
  #hostNs = 0;

  /** `wakeFd`: the pump's to close. `looks`: false where another thread can only run if we sleep. */
  constructor(channel: ClientChannel, wakeFd: number, owner: PumpOwner, looks: boolean) {
    this.#channel = channel;
    this.#owner = owner;
    this.#looks = looks;
    // `onread` saves a buffer and an event for each wake-up; the typings know it only for connect().
    const onread = { buffer: new Uint8Array(256), callback: this.#onBytes };
    const options: SocketConstructorOpts & { onread: OnReadOpts } = { fd: wakeFd, onread };
    this.#socket = new Socket(options);
    this.#socket.on('end', this.#onEnd);
    // An error of the channel's socket means what its end means, and 'close' follows it.
    this.#socket.on('error', this.#onEnd);
    this.#socket.on('close', this.#onEnd);
    this.#socket.unref();
  }

  get idle(): boolean {
    return this.#state === 'idle';
  }

  /** Something is under way. */
  wake(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'looking';
    this.#lookUntilMs = performance.now() + (this.#hostNs < fastNs ? lookMs : 0);
    setImmediate(this.#turn);
  }

  /** Somebody else has waited on this channel meanwhile, and with that told the host otherwise. */
  resume(): void {
    if (this.#state !== 'listening') return;
    this.#stopListening('idle');
    if (this.#owner.isWaiting()) this.wake();
  }

  /** Takes what is there. Returns the number of answers. */
  drain(): number {
    let count = 0;
    for (let answer = this.#channel.poll(); answer !== null; answer = this.#channel.poll()) {
      count++;
      this.#hostNs = answer.queueNs + answer.runNs;
      this.#owner.onAnswer(answer);
    }
    return count;
  }

  /** Idempotent. The owner is not called any more. */
  end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#socket.destroy();
  }

  readonly #turn = () => {
    if (this.#state !== 'looking') return;
    const count = this.drain();
    this.#owner.onDrained();
    if (this.#state !== 'looking') return; // The owner has ended it.
    if (!this.#owner.isWaiting()) {
      this.#state = 'idle';
      return;
    }
    if (count > 0) this.#lookUntilMs = performance.now() + (this.#hostNs < fastNs ? lookMs : 0);
    const looksOn = this.#looks && (count > 0 || performance.now() < this.#lookUntilMs);
    if (looksOn || !this.#channel.listen()) {
      setImmediate(this.#turn);
      return;
    }
    this.#state = 'listening';
    this.#socket.ref();
  };

  readonly #onBytes = (): boolean => {
    if (this.#state !== 'listening') return true; // It was sent before we stopped listening.
    this.#stopListening('looking');
    this.#turn();
    return true;
  };

  #stopListening(state: 'idle' | 'looking'): void {
    this.#state = state;
    this.#channel.stopListening();
    this.#socket.unref();
  }

  readonly #onEnd = () => {
    if (this.#state === 'ended') return;
    this.#channel.checkPeer();
    this.#owner.onEnd();
  };
}
