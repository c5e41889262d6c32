import { MlosError } from '../../../protocol/errors.ts';
import { type FrameBudget, FrameReader } from '../../../protocol/frame.ts';

/** What bounds unfinished frames. */
export interface FrameBounds {
  readonly maxBytes: number;
  /** Shared by all connections of the door. */
  readonly budget: FrameBudget;
  /** A frame that has begun must end, or bring `progressBytes`, each time within that long. */
  readonly stallMs: number;
  readonly progressBytes: number;
}

export interface FrameEvents {
  readonly onFrame: (payload: Buffer) => void;
  readonly onStalled: (error: MlosError) => void;
}

/**
 * Cuts what one client sends into frames, and gives up on a frame that does not go on, or by the byte: its
 * client would keep its bytes and its connection here for ever. The timer runs only while a frame is
 * unfinished and the socket is read; whole frames never start it.
 */
export class FrameInput {
  readonly #reader: FrameReader;
  readonly #stallMs: number;
  readonly #progressBytes: number;
  readonly #onStalled: (error: MlosError) => void;
  #timer: NodeJS.Timeout | null = null;
  /** Bytes since the timer was set. */
  #arrived = 0;
  #lastLook: NodeJS.Immediate | null = null;

  constructor(bounds: FrameBounds, events: FrameEvents) {
    const { maxBytes, budget } = bounds;
    this.#stallMs = bounds.stallMs;
    this.#progressBytes = bounds.progressBytes;
    const onFrame = (payload: Buffer) => {
      this.#arrived = this.#progressBytes;
      events.onFrame(payload);
    };
    this.#reader = new FrameReader({ maxBytes, budget, onFrame });
    this.#onStalled = events.onStalled;
  }

  /** True where a frame has begun and is not whole. */
  get partial(): boolean {
    return this.#reader.partial;
  }

  /** Bytes up to the end of the header or payload under way; 0 after drop(). */
  get wanted(): number {
    return this.#reader.wanted;
  }

  /** Takes what arrived. Throws as FrameReader does; whoever catches it calls `drop`. */
  push(chunk: Buffer): void {
    this.#arrived += chunk.byteLength;
    this.#reader.push(chunk);
    if (this.#goesOn || !this.#reader.partial) this.resume();
  }

  get #goesOn(): boolean {
    return this.#timer === null || this.#arrived >= this.#progressBytes;
  }

  /** The socket is not read: that nothing comes is not the client's doing. */
  pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#forgetLastLook();
  }

  /** The socket is read (again): an unfinished frame has its whole time from now. */
  resume(): void {
    if (!this.#reader.partial) {
      this.pause();
      return;
    }
    this.#forgetLastLook();
    this.#arrived = 0;
    if (this.#timer === null) this.#timer = setTimeout(() => this.#lookOnce(), this.#stallMs);
    else this.#timer.refresh();
  }

  /** Lets an unfinished frame go, and reads no more. Idempotent. */
  drop(): void {
    this.#reader.drop();
    this.pause();
  }

  /**
   * Timers run before sockets are read. Where this process itself stood still (SIGSTOP, a long
   * computation) the bytes may be waiting, so the sockets are read once more before the verdict.
   */
  #lookOnce(): void {
    this.#lastLook = setImmediate(() => {
      const [bytes, seconds] = [this.#progressBytes, this.#stallMs / 1_000];
      const message = `Neither the rest of the frame nor ${bytes} bytes of it came within ${seconds} s.`;
      this.#onStalled(new MlosError('INVALID_FRAME', message));
    });
  }

  #forgetLastLook(): void {
    if (this.#lastLook !== null) clearImmediate(this.#lastLook);
    this.#lastLook = null;
  }
}
