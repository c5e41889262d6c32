import type { FileProgress } from './progress.ts';
import { Speed } from './speed.ts';

/** How far all files are together: what several bars, or the events, say of the whole. */
export class Total {
  files = 0;
  filesDone = 0;
  /** Null where the size of one is not known. */
  bytes: number | null = 0;
  done = 0;
  #speed: Speed;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#speed = new Speed(0, now);
  }

  plan(files: number, bytes: number | null): void {
    if (this.files === 0) this.#speed = new Speed(0, this.#now);
    this.files += files;
    this.bytes = bytes === null || this.bytes === null ? null : this.bytes + bytes;
  }

  /** Follows one file; bytes that were there already count as done, not as speed. */
  file(): FileProgress {
    let reached = 0;
    return {
      from: (bytes) => {
        this.done += bytes - reached;
        reached = bytes;
        this.#speed = new Speed(this.done, this.#now);
      },
      at: (bytes) => {
        this.done += bytes - reached;
        reached = bytes;
        this.#speed.add(this.done);
      },
      end: (whole) => {
        if (whole) this.filesDone += 1;
      },
    };
  }

  get bytesPerSecond(): number | null {
    return this.#speed.bytesPerSecond;
  }

  get secondsLeft(): number | null {
    const missing = this.bytes === null ? null : Math.max(0, this.bytes - this.done);
    return this.#speed.secondsFor(missing);
  }
}
