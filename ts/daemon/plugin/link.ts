import type { Socket } from 'node:net';
import { MlosError } from '../../protocol/errors.ts';
import { FrameReader } from '../../protocol/frame.ts';
import { decodeMsgpack } from '../../protocol/msgpack.ts';
import { violation } from '../../smi/contract.ts';
import { encodeFrame, sendFrame } from '../../smi/frame-encoding.ts';
import { type Hello, readError, readHello } from '../../smi/from-plugin.ts';
import { smiLimits } from '../../smi/smi-limits.ts';

interface Pending {
  readonly onAnswer: OnAnswer;
  /** Undefined: it may say nothing before its answer. */
  readonly onEvent: ((event: unknown) => void) | undefined;
}

/** Exactly one of the two is set. */
export type OnAnswer = (error: MlosError | null, result: unknown) => void;

export interface LinkEvents {
  hello(hello: Hello): void;
  /** The plugin broke the contract; nothing more is read from it. */
  violated(error: MlosError): void;
}

/**
 * Our end of one plugin's socket: numbers requests, pairs answers with them. `onAnswer` may throw a
 * violation where the result does not fit, which ends the link like any other garbage.
 */
export class Link {
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #greeted = false;
  #broken = false;

  constructor(socket: Socket, events: LinkEvents) {
    this.#socket = socket;
    this.#events = events;
    const reader = new FrameReader({
      maxBytes: smiLimits.frameBytes,
      onFrame: (payload) => this.#onFrame(payload),
    });
    socket.on('data', (chunk: Buffer) => {
      if (this.#broken) return;
      try {
        reader.push(chunk);
      } catch (error) {
        this.#broken = true;
        events.violated(MlosError.from(error));
      }
    });
  }

  /**
   * Sends what `encode` makes of a fresh id. Throws, having sent nothing, where `encode` throws.
   * `onUndelivered`: the plugin cannot have seen it, because it was dead by then. Answers the id.
   */
  call(
    encode: (id: number) => readonly Uint8Array[],
    onAnswer: OnAnswer,
    onUndelivered?: () => void,
    onEvent?: (event: unknown) => void,
  ): number {
    const id = this.#nextId;
    const pieces = encode(id);
    this.#nextId += 1;
    this.#pending.set(id, { onAnswer, onEvent });
    sendFrame(this.#socket, pieces, onUndelivered);
    return id;
  }

  request(method: string, params: unknown, onAnswer: OnAnswer): void {
    this.call((id) => encodeFrame([id, method, params]), onAnswer);
  }

  /** Forgets what is outstanding: the process is gone. */
  close(): void {
    this.#broken = true;
    this.#pending.clear();
    this.#socket.destroy();
  }

  #onFrame(payload: Buffer): void {
    if (this.#broken) return;
    const message = decodeMsgpack(payload);
    if (!this.#greeted) {
      this.#greeted = true;
      this.#events.hello(readHello(message));
      return;
    }
    if (!Array.isArray(message) || message.length !== 3) throw violation('an answer is no triple');
    const [id, error, result] = message as [unknown, unknown, unknown];
    const pending = this.#pending.get(id as number);
    if (pending === undefined) throw violation('an answer to no request');
    const { onAnswer, onEvent } = pending;
    if (error === 'event') {
      if (onEvent === undefined) throw violation('an event of a request that has none');
      onEvent(result);
      return;
    }
    this.#pending.delete(id as number);
    if (error === null) onAnswer(null, result);
    else onAnswer(readError(error), null);
  }
}
