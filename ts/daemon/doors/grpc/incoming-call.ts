import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { ByteBudget } from '../byte-budget.ts';
import type { Owed, Patience } from '../patience.ts';
import type { Connection, Connections } from './connections.ts';
import { statusOf } from './error.ts';
import { IncomingMessage } from './incoming-message.ts';

export interface IncomingBounds {
  readonly connections: Connections;
  /** Of messages that no handler has yet, over all connections. */
  readonly budget: ByteBudget;
  readonly maxMessageBytes: number;
  readonly patience: Patience;
  readonly maxIdleMs: number;
}

/** How long the client may read the status of a call that was given up. */
const farewellMs = 1_000;

/**
 * Bounds what clients send until a handler has it. A call whose message does not come is cut together with
 * its connection: a client that sends byte by byte does not read the status either. One that is
 * sending a large message over a slow line may go on.
 */
export function boundIncoming(bounds: IncomingBounds): ServerInterceptor {
  return (method, call) => {
    const incoming = new IncomingCall(call, bounds, method.requestStream);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMessage((message, forward) => {
        incoming.onMessage();
        forward(message);
      })
      .withOnReceiveHalfClose((forward) => {
        incoming.onHalfClose();
        forward();
      })
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}

/** grpc-js shows an interceptor whole messages only; how much of one has come, its stream alone knows. */
function streamOf(call: ServerInterceptingCallInterface): ServerHttp2Stream {
  return (call as unknown as { readonly stream: ServerHttp2Stream }).stream;
}

class IncomingCall implements Owed {
  readonly #call: ServerInterceptingCallInterface;
  readonly #bounds: IncomingBounds;
  /** A stream may well wait for its next message; what is one message is owed from the beginning on. */
  readonly #isStream: boolean;
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection | undefined;
  readonly #message: IncomingMessage;
  #held = 0;
  #readBefore = 0;
  #isWaiting = false;
  #isOver = false;

  constructor(call: ServerInterceptingCallInterface, bounds: IncomingBounds, isStream: boolean) {
    this.#call = call;
    this.#bounds = bounds;
    this.#isStream = isStream;
    this.#stream = streamOf(call);
    this.#connection = bounds.connections.of(call.getConnectionInfo());
    this.#message = new IncomingMessage(bounds.maxMessageBytes);
    this.#connection?.callBegins();
    // Before grpc-js sees it: what is refused is not kept, nor inflated.
    this.#stream.prependListener('data', (chunk: Buffer) => this.#onData(chunk));
    this.#stream.once('close', () => this.#onClose());
    if (!isStream) this.#wait();
  }

  onMessage(): void {
    if (!this.#isStream) return;
    this.#message.take();
    this.#count();
  }

  /** The request of a call of one message is its handler's only now. */
  onHalfClose(): void {
    this.#finish();
  }

  moves(): boolean {
    // That nothing comes where nothing is read is not the client's doing.
    if (this.#stream.isPaused()) return true;
    const before = this.#readBefore;
    this.#readBefore = this.#bytesRead;
    return this.#readBefore - before >= limits.grpcProgressBytes;
  }

  giveUp(): void {
    const { maxIdleMs } = this.#bounds;
    this.#refuse(
      new MlosError(
        'DEADLINE_EXCEEDED',
        `The message of the call did not arrive within ${maxIdleMs} ms.`,
      ),
    );
    this.#connection?.endLater();
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#message.push(chunk);
    if (!this.#count()) {
      this.#refuse(
        new MlosError(
          'TOO_MANY_REQUESTS',
          'Too many large gRPC messages are arriving at once; try again later.',
        ),
      );
    } else if (this.#isStream) {
      if (!this.#message.isPartial) this.#stopWaiting();
      else if (!this.#isWaiting) this.#wait();
    }
  }

  get #bytesRead(): number {
    return this.#connection?.socket.bytesRead ?? 0;
  }

  #wait(): void {
    this.#isWaiting = true;
    this.#readBefore = this.#bytesRead;
    this.#bounds.patience.wait(this);
  }

  #stopWaiting(): void {
    this.#isWaiting = false;
    this.#bounds.patience.stop(this);
  }

  /** False where the budget does not have what is held now. */
  #count(): boolean {
    const held = this.#isOver ? 0 : this.#message.heldBytes;
    if (held <= this.#held) {
      this.#bounds.budget.give(this.#held - held);
    } else if (!this.#bounds.budget.take(held - this.#held)) {
      return false;
    }
    this.#held = held;
    return true;
  }

  /** What was read of it lies in grpc-js until the stream is closed, and counts as long. */
  #refuse(error: MlosError): void {
    this.#isOver = true;
    this.#stopWaiting();
    this.#call.sendStatus(statusOf(error, null));
    const cancel = () => this.#stream.close(constants.NGHTTP2_CANCEL);
    const timer = setTimeout(cancel, farewellMs).unref();
    this.#stream.once('close', () => clearTimeout(timer));
  }

  #finish(): void {
    this.#isOver = true;
    this.#stopWaiting();
    this.#count();
  }

  #onClose(): void {
    this.#finish();
    this.#connection?.callEnds();
  }
}
