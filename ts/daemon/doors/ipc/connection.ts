import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { frameHeaderBytes } from '../../../protocol/frame.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { RequestContext } from '../../request-context.ts';
import {
  decodeRequest,
  type IpcRequest,
  malformed,
  type RequestId,
  ResultEncoder,
} from './codec.ts';
import { errorFrame, idOfMalformed } from './error.ts';
import { type FrameBounds, FrameInput } from './frame-input.ts';
import { HangUpWatch } from './hang-up.ts';

/**
 * One client. Rules:
 *
 * 1. All answers that one arrival of bytes produces go out in one write (cork … uncork).
 * 2. At most `ipcInFlight` requests are under way; frames beyond wait in `#backlog`, which holds no
 *    more than one arrival, because reading pauses until it is empty.
 * 3. While more than `pauseBytes` of answers wait for the client nothing more is read from it; one
 *    that reads nothing for `httpIdleTimeoutMs` then, or lets `ipcOutboundBytes` pile up, is cut.
 * 4. A client may end its side after its last request and still gets every answer; one that is gone
 *    altogether has its work cancelled.
 * 5. After a frame that cannot be decoded the stream has no known beginning of the next: the error
 *    is answered, and the connection closed. So it is where a frame does not go on for `stallMs`, or
 *    the unfinished frames of all connections are too large together.
 */
const pauseBytes = 1024 * 1024;
/** How long the rest of a refused stream is read and dropped, so that the client reads the error. */
const lingerMs = 1_000;

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly frames: FrameBounds;
  /** Asks the kernel whether the client has closed its socket altogether. */
  readonly isGone: (socket: Socket) => boolean;
}

export class IpcConnection {
  readonly #socket: Socket;
  readonly #dispatcher: Dispatcher;
  readonly #logger: Logger;
  readonly #input: FrameInput;
  readonly #maxFrameBytes: number;
  readonly #underWay = new Set<RequestContext>();
  readonly #encoder = new ResultEncoder();
  readonly #hangUp: HangUpWatch;
  #backlog: Buffer[] = [];
  /** No more requests are read: the client ended its side, the door closes, or rule 5. */
  #ended = false;
  /** Rule 5, or the socket is gone: nothing is answered any more. */
  #failed = false;

  constructor(options: ConnectionOptions) {
    this.#socket = options.socket;
    this.#dispatcher = options.dispatcher;
    this.#logger = options.logger;
    this.#maxFrameBytes = options.frames.maxBytes;
    this.#hangUp = new HangUpWatch(options.socket, options.isGone);
    this.#input = new FrameInput(options.frames, {
      onFrame: (payload) => this.#onFrame(payload),
      onStalled: (error) => this.#fail(error),
    });
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.on('end', () => this.#onEnd());
    this.#socket.on('drain', () => this.#onDrain());
    this.#socket.on('timeout', () => this.#socket.destroy());
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => this.#onClose());
  }

  /** Takes no more requests, answers those under way, then ends. */
  drain(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#input.drop();
    this.#endWhenDone();
  }

  /** Answers without a request and closes. */
  refuse(error: MlosError): void {
    this.#fail(error);
  }

  #onData(chunk: Buffer): void {
    if (this.#ended) return;
    const whole = this.#wholeFrame(chunk);
    if (whole === null) this.#readFrames(chunk);
    else this.#onFrame(whole);
    this.#pauseWhereFull();
  }

  #readFrames(chunk: Buffer): void {
    this.#socket.cork(); // Rule 1
    try {
      this.#input.push(chunk);
    } catch (thrown) {
      this.#fail(MlosError.from(thrown));
    }
    this.#socket.uncork();
  }

  /** The usual arrival, one frame and nothing else, needs no reader. */
  #wholeFrame(chunk: Buffer): Buffer | null {
    const length = chunk.byteLength - frameHeaderBytes;
    const isWhole =
      length > 0 &&
      length <= this.#maxFrameBytes &&
      !this.#input.partial &&
      chunk.readUInt32BE(0) === length;
    return isWhole ? chunk.subarray(frameHeaderBytes) : null;
  }

  #onFrame(payload: Buffer): void {
    if (this.#ended) return;
    if (this.#isBusy || this.#backlog.length > 0) {
      this.#backlog.push(payload); // Rule 2
    } else {
      this.#handle(payload);
    }
  }

  /** An answer or a drained socket will come, and with it the time for the next request. */
  get #isBusy(): boolean {
    return this.#underWay.size >= limits.ipcInFlight || this.#socket.writableLength > pauseBytes;
  }

  #handle(payload: Buffer): void {
    let request: IpcRequest;
    try {
      request = decodeRequest(payload);
    } catch (thrown) {
      this.#fail(MlosError.from(thrown));
      return;
    }
    const context = new RequestContext('ipc');
    let result: unknown;
    try {
      result = this.#dispatcher.call(request.method, request.params, context);
    } catch (thrown) {
      this.#write(errorFrame(request.id, thrown, { logger: this.#logger, context }));
      return;
    }
    if (result instanceof Promise) this.#answerLater(request.id, result, context);
    else this.#answer(request.id, result, context);
  }

  #answer(id: RequestId, result: unknown, context: RequestContext): void {
    let buffers: readonly Buffer[];
    try {
      buffers = this.#encoder.encode(id, result);
    } catch (thrown) {
      buffers = errorFrame(id, thrown, { logger: this.#logger, context });
    }
    this.#write(buffers);
  }

  #answerLater(id: RequestId, result: Promise<unknown>, context: RequestContext): void {
    this.#underWay.add(context);
    result.then(
      (value) => {
        if (this.#underWay.delete(context)) this.#answer(id, value, context);
        this.#afterAnswer();
      },
      (thrown: unknown) => {
        if (this.#underWay.delete(context)) {
          this.#write(errorFrame(id, thrown, { logger: this.#logger, context }));
        }
        this.#afterAnswer();
      },
    );
  }

  #afterAnswer(): void {
    if (this.#backlog.length > 0) this.#takeBacklog();
    if (this.#ended) this.#endWhenDone();
    else this.#resumeWhereFree();
  }

  #takeBacklog(): void {
    this.#socket.cork();
    const waiting = this.#backlog;
    this.#backlog = [];
    let next = 0;
    while (next < waiting.length && !this.#failed && !this.#isBusy) {
      const payload = waiting[next++];
      if (payload !== undefined) this.#handle(payload);
    }
    if (next < waiting.length && !this.#failed) this.#backlog = waiting.slice(next);
    this.#socket.uncork();
  }

  #write(buffers: readonly Buffer[]): void {
    const socket = this.#socket;
    if (!socket.writable) return;
    if (buffers.length > 1) socket.cork();
    for (const buffer of buffers) socket.write(buffer);
    if (buffers.length > 1) socket.uncork();
    if (socket.writableLength > limits.ipcOutboundBytes) socket.destroy(); // Rule 3
  }

  #pauseWhereFull(): void {
    const socket = this.#socket;
    const isSlow = socket.writableLength > pauseBytes;
    if (isSlow) socket.setTimeout(limits.httpIdleTimeoutMs);
    if (isSlow || this.#backlog.length > 0) {
      socket.pause();
      this.#input.pause();
    }
  }

  #resumeWhereFree(): void {
    const socket = this.#socket;
    if (!socket.isPaused() || socket.writableLength > pauseBytes) return;
    if (this.#backlog.length > 0) return;
    socket.resume();
    this.#input.resume();
  }

  #onDrain(): void {
    this.#socket.setTimeout(0);
    if (this.#backlog.length > 0) this.#takeBacklog();
    if (this.#ended) this.#endWhenDone();
    else this.#resumeWhereFree();
  }

  #onEnd(): void {
    if (this.#input.partial && !this.#ended) {
      this.#fail(malformed(null, 'the stream ended within it'));
      return;
    }
    this.#ended = true; // Rule 4
    this.#endWhenDone();
    if (this.#underWay.size > 0) this.#hangUp.start();
  }

  /** Rule 5. */
  #fail(error: MlosError): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#ended = true;
    this.#backlog = [];
    this.#input.drop();
    this.#abortAll();
    this.#write(errorFrame(idOfMalformed(error), error, { logger: this.#logger }));
    this.#end();
  }

  #endWhenDone(): void {
    const isDone = this.#underWay.size === 0 && this.#backlog.length === 0;
    if (isDone && !this.#failed) this.#end();
  }

  #end(): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    socket.setTimeout(limits.httpIdleTimeoutMs);
    socket.end(() => {
      // A client that has ended its side is gone by now; another's rest is dropped for a while.
      const timer = setTimeout(() => socket.destroy(), lingerMs);
      socket.once('close', () => clearTimeout(timer));
    });
    socket.resume();
  }

  #onClose(): void {
    this.#hangUp.stop();
    this.#failed = true;
    this.#ended = true;
    this.#backlog = [];
    this.#input.drop();
    this.#abortAll();
  }

  #abortAll(): void {
    for (const context of this.#underWay) context.abort();
    this.#underWay.clear();
  }
}
