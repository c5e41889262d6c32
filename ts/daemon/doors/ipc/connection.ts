import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { frameHeaderBytes } from '../../../protocol/frame.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { Caller, Peer } from '../../request-context.ts';
import type { ByteBudget } from '../byte-budget.ts';
import { AnswerWriter } from './answer-writer.ts';
import { isCancel, malformed } from './codec.ts';
import { DescriptorReader } from './descriptor-reader.ts';
import { idOfMalformed } from './error.ts';
import { type FrameBounds, FrameInput } from './frame-input.ts';
import { HangUpWatch } from './hang-up.ts';
import { ReceivedFiles } from './received-files.ts';
import { type ArrivedFrame, Requests } from './requests.ts';

/**
 * One client. Rules:
 *
 * 1. All answers that one arrival of bytes produces go out in one write.
 * 2. At most `ipcInFlight` requests are under way; frames beyond wait in `#backlog`, which holds no
 *    more than one arrival, because reading pauses until it is empty.
 * 3. While more than `pauseBytes` of answers wait for the client nothing more is read from it; one
 *    that reads nothing for `httpIdleTimeoutMs` then, or lets `ipcOutboundBytes` pile up, is cut.
 * 4. A client may end its side after its last request and still gets every answer; one that is gone
 *    altogether has its work cancelled.
 * 5. After a frame that cannot be decoded the stream has no known beginning of the next: the error
 *    is answered, and the connection closed. So it is where a frame goes on too slowly, or
 *    the unfinished frames of all connections are too large together.
 * 6. net.Socket reads until the client asks to send descriptors; from then on a DescriptorReader does.
 *    There is no way back, and net.Socket may not be resumed.
 */
const pauseBytes = 1024 * 1024;
/** How long the rest of a refused stream is read and dropped, so that the client reads the error. */
const lingerMs = 1_000;

export interface ConnectionOptions {
  readonly socket: Socket;
  /** Who connected, by the kernel's word; null where that is not known: then no descriptors travel. */
  readonly peer: Peer | null;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly frames: FrameBounds;
  /** Descriptors of requests under way that all connections may hold together. */
  readonly descriptors: ByteBudget;
  /** Asks the kernel whether the client has closed its socket altogether. */
  readonly isGone: (socket: Socket) => boolean;
}

export class IpcConnection {
  readonly #socket: Socket;
  readonly #input: FrameInput;
  readonly #writer: AnswerWriter;
  readonly #requests: Requests;
  readonly #caller: Caller | null;
  readonly #descriptors: ByteBudget;
  readonly #maxFrameBytes: number;
  readonly #hangUp: HangUpWatch;
  #backlog: ArrivedFrame[] = [];
  /** Rule 6. */
  #reader: DescriptorReader | null = null;
  #wantsDescriptors = false;
  /** Descriptors of the frame that is arriving. */
  #arriving: ReceivedFiles | null = null;
  /** No more requests are read: the client ended its side, the door closes, or rule 5. */
  #ended = false;
  /** Rule 5, or the socket is gone: nothing is answered any more. */
  #failed = false;

  constructor(options: ConnectionOptions) {
    const { socket, peer, dispatcher, logger } = options;
    this.#socket = socket;
    this.#descriptors = options.descriptors;
    this.#maxFrameBytes = options.frames.maxBytes;
    this.#caller =
      peer === null ? null : { peer, takeDescriptors: () => this.#askForDescriptors() };
    this.#hangUp = new HangUpWatch(socket, options.isGone);
    this.#writer = new AnswerWriter(socket);
    this.#requests = new Requests({
      ...{ dispatcher, logger, writer: this.#writer },
      onAnswered: () => this.#goOn(),
    });
    this.#input = new FrameInput(options.frames, {
      onFrame: (payload) => this.#onFrame(payload),
      onStalled: (error) => this.#fail(error),
    });
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  /** Takes no more requests, answers those under way, then ends. */
  drain(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#dropInput();
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
    this.#afterReading();
  }

  #readFrames(chunk: Buffer): void {
    this.#writer.together(() => {
      try {
        this.#input.push(chunk);
      } catch (thrown) {
        this.#fail(MlosError.from(thrown));
      }
    }); // Rule 1
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
    const files = this.#arriving;
    this.#arriving = null;
    if (this.#ended) {
      files?.close();
    } else if (this.#backlog.length > 0 || (this.#isBusy && !isCancel(payload))) {
      this.#backlog.push({ payload, files }); // Rule 2
    } else {
      this.#handle({ payload, files });
    }
  }

  /** An answer or a drained socket will come, and with it the time for the next request. */
  get #isBusy(): boolean {
    return this.#requests.underWay >= limits.ipcInFlight || this.#writer.length > pauseBytes;
  }

  #handle(frame: ArrivedFrame): void {
    try {
      this.#requests.run(frame, this.#caller);
    } catch (thrown) {
      this.#fail(MlosError.from(thrown));
    }
  }

  /** An answer is out, or the client has read: there may be room for more. */
  #goOn(): void {
    if (this.#backlog.length > 0) this.#takeBacklog();
    if (this.#ended) this.#endWhenDone();
    else this.#resumeWhereFree();
  }

  #takeBacklog(): void {
    const waiting = this.#backlog;
    this.#backlog = [];
    let next = 0;
    this.#writer.together(() => {
      while (next < waiting.length && !this.#failed && !this.#isBusy) {
        const frame = waiting[next++];
        if (frame !== undefined) this.#handle(frame);
      }
    });
    const left = waiting.slice(next);
    if (this.#failed) for (const { files } of left) files?.close();
    else this.#backlog = left;
    if (this.#wantsDescriptors) this.#afterReading();
  }

  #afterReading(): void {
    if (this.#wantsDescriptors && this.#reader === null && !this.#ended) this.#changeReader();
    this.#pauseWhereFull();
  }

  #pauseWhereFull(): void {
    const isSlow = this.#writer.length > pauseBytes;
    if (isSlow) this.#socket.setTimeout(limits.httpIdleTimeoutMs);
    if (!isSlow && this.#backlog.length === 0) return;
    (this.#reader ?? this.#socket).pause();
    this.#input.pause();
  }

  #resumeWhereFree(): void {
    const isPaused = this.#reader?.paused ?? this.#socket.isPaused();
    if (!isPaused || this.#writer.length > pauseBytes || this.#backlog.length > 0) return;
    (this.#reader ?? this.#socket).resume();
    this.#input.resume();
  }

  #onDrain(): void {
    this.#socket.setTimeout(0);
    this.#goOn();
  }

  #askForDescriptors(): void {
    this.#wantsDescriptors = true;
  }

  /** Rule 6. What net.Socket has read ahead came before the answer and carries none. */
  #changeReader(): void {
    const socket = this.#socket;
    socket.pause();
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      this.#readFrames(chunk);
    }
    if (this.#ended || socket.destroyed || socket.readableEnded) return;
    this.#reader = new DescriptorReader(socket, {
      wanted: () => this.#input.wanted,
      partial: () => this.#input.partial,
      onBytes: (bytes, fds) => this.#onDescriptors(bytes, fds),
      onRefused: (error) => this.#fail(error),
    });
  }

  #onDescriptors(bytes: Buffer, fds: readonly number[]): void {
    if (fds.length > 0) this.#arriving = new ReceivedFiles(fds, this.#descriptors);
    this.#readFrames(bytes);
    this.#pauseWhereFull();
  }

  #onEnd(): void {
    if (this.#input.partial && !this.#ended) {
      this.#fail(malformed(null, 'the stream ended within it'));
      return;
    }
    this.#ended = true; // Rule 4
    this.#endWhenDone();
    if (this.#requests.underWay > 0) this.#hangUp.start();
  }

  /** Rule 5. */
  #fail(error: MlosError): void {
    if (this.#failed) return;
    this.#giveUp();
    this.#requests.refuse(idOfMalformed(error), error);
    this.#end();
  }

  #endWhenDone(): void {
    const isDone = this.#requests.underWay === 0 && this.#backlog.length === 0;
    if (isDone && !this.#failed) this.#end();
  }

  #end(): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    socket.setTimeout(limits.httpIdleTimeoutMs);
    this.#writer.whenPassed(() => {
      socket.end(() => {
        // A client that has ended its side is gone by now; another's rest is dropped for a while.
        const timer = setTimeout(() => socket.destroy(), lingerMs);
        socket.once('close', () => clearTimeout(timer));
      });
    });
    (this.#reader ?? socket).resume();
  }

  #onClose(): void {
    this.#hangUp.stop();
    this.#reader?.stop();
    this.#giveUp();
    this.#writer.close();
  }

  /** Nothing that is under way or waiting is wanted any more. */
  #giveUp(): void {
    this.#failed = true;
    this.#ended = true;
    this.#dropInput();
    this.#requests.abortAll();
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const { files } of backlog) files?.close();
  }

  #dropInput(): void {
    this.#input.drop();
    this.#arriving?.close();
    this.#arriving = null;
  }
}
