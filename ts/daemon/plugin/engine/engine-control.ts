import { closeSync } from 'node:fs';
import { channelLayout } from '../../../native/channel-layout.ts';
import {
  type ControlKind,
  decodeControl,
  encodeControl,
  errorCodeOfStatus,
} from '../../../native/control-message.ts';
import { receiveDescriptors, sendDescriptors } from '../../../native/fd-socket.ts';
import { NativeError } from '../../../native/native-error.ts';
import { onReadable, type Watch } from '../../../native/readable.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { Clock, Timer } from '../clock.ts';

export interface ControlRequest {
  readonly kind: ControlKind;
  readonly channelId?: number;
  readonly argument?: number;
  readonly argument2?: number;
  /** Travel beside it; the caller's to close once the answer is there. */
  readonly descriptors?: readonly number[];
}

export interface ControlEvents {
  /** The engine has let a channel go: its client is gone, or it was closed. */
  channelGone(channelId: number): void;
  /** The engine does not speak the contract, does not answer, or is gone. */
  broken(reason: string): void;
}

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: MlosError) => void;
  readonly timer: Timer;
}

/** The reason of `broken` where the process may just be dying. */
export const controlSocketClosed = 'closed its control socket';

/** Requests that are outstanding at once; more wait, so that the socket's buffer always has room. */
const atOnce = 64;

/** The daemon's end of one engine's control socket: numbers requests and pairs the answers with them. */
export class EngineControl {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #events: ControlEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting: (() => void)[] = [];
  #sequence = 0;
  #watch: Watch | null = null;
  #closed = false;

  /** Takes the descriptor over. */
  constructor(options: {
    readonly fd: number;
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly events: ControlEvents;
  }) {
    this.#fd = options.fd;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
    this.#events = options.events;
    this.#listen();
  }

  /** Resolves when the engine has done it. Rejects with the engine's error, or PLUGIN_CRASHED. */
  request(request: ControlRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const send = () => this.#send(request, resolve, reject);
      if (this.#pending.size < atOnce) send();
      else this.#waiting.push(send);
    });
  }

  /** What is outstanding is rejected. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.cancel();
    closeSync(this.#fd);
    for (const { timer, reject } of this.#pending.values()) {
      timer.cancel();
      reject(gone());
    }
    this.#pending.clear();
    for (const send of this.#waiting.splice(0)) send();
  }

  #send(request: ControlRequest, resolve: () => void, reject: (error: MlosError) => void): void {
    if (this.#closed) {
      reject(gone());
      return;
    }
    this.#sequence = (this.#sequence % 0xffff_fff0) + 1;
    const sequence = this.#sequence;
    const { kind, channelId = 0, argument = 0, argument2 = 0, descriptors = [] } = request;
    try {
      const message = encodeControl({ kind, sequence, channelId, argument, argument2 });
      sendDescriptors(this.#fd, message, descriptors);
    } catch (error) {
      reject(new MlosError('PLUGIN_UNAVAILABLE', `The engine takes no ${kind}: ${String(error)}`));
      return;
    }
    const timer = this.#clock.after(
      this.#timeoutMs,
      () => this.#events.broken(`did not answer ${kind} within ${this.#timeoutMs} ms`),
      'background',
    );
    this.#pending.set(sequence, { resolve, reject, timer });
  }

  #listen(): void {
    this.#watch = onReadable(this.#fd, () => this.#onReadable());
  }

  #onReadable(): void {
    if (this.#closed) return;
    try {
      if (!this.#readAll()) {
        this.#events.broken(controlSocketClosed);
        return;
      }
    } catch (error) {
      // With messages of ours unread, its end resets the connection.
      const isReset = error instanceof NativeError && error.code === 'ECONNRESET';
      const reason = `broke the contract of its control socket: ${String(error)}`;
      this.#events.broken(isReset ? controlSocketClosed : reason);
      return;
    }
    // An event may have closed it.
    if (!this.#closed) this.#listen();
  }

  /** False at the end of the stream. */
  #readAll(): boolean {
    const maxBytes = channelLayout().controlMessage.byteLength;
    for (;;) {
      if (this.#closed) return true;
      const received = receiveDescriptors(this.#fd, { maxBytes, maxFds: 0 });
      if (received === null) return true;
      if (received.bytes.byteLength === 0) return false;
      this.#onMessage(received.bytes);
    }
  }

  #onMessage(bytes: Uint8Array): void {
    const message = decodeControl(bytes);
    if (message.kind === 'channelGone') {
      this.#events.channelGone(message.channelId);
      return;
    }
    const pending = message.isReply ? this.#pending.get(message.sequence) : undefined;
    if (pending === undefined) throw new Error('an answer to nothing');
    this.#pending.delete(message.sequence);
    pending.timer.cancel();
    const code = errorCodeOfStatus(message.status);
    if (code === null) pending.resolve();
    else pending.reject(new MlosError(code, message.text || `The engine answers ${code}.`));
    this.#waiting.shift()?.();
  }
}

function gone(): MlosError {
  return new MlosError('PLUGIN_CRASHED', 'The plugin process is gone.');
}
