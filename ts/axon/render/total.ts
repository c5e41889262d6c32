import type { FileProgress } from './progress.ts';
import { Speed } from './speed.ts';

/** How far all files are together: what several bars, or the events, say of the whole. */
export class Total {
  files = 0;
  filesDone = 0;
  done = 0;
  #known = 0;
  #unknown = 0;
  #speed: Speed;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#speed = new Speed(0, now);
  }

  plan(sizes: readonly (number | null)[]): void {
    if (this.files === 0) this.#speed = new Speed(0, this.#now);
    this.files += sizes.length;
    for (const size of sizes) {
      if (size === null) this.#unknown += 1;
      else this.#known += size;
    }
  }

  /** Null where the size of one is not known. */
  get bytes(): number | null {
    return this.#unknown === 0 ? this.#known : null;
  }

  /** Follows one file; bytes that were there already count as done, not as speed. */
  file(size: number | null): FileProgress {
    let reached = 0;
    let of = size;
    const learn = (known: number) => {
      this.#known += known - (of ?? 0);
      this.#unknown -= of === null ? 1 : 0;
      of = known;
    };
    return {
      from: (bytes, known) => {
        if (known !== null) learn(known);
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
        if (!whole) return;
        this.filesDone += 1;
        if (of === null) learn(reached);
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
