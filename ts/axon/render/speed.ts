/** What came of so many bytes, over the last seconds: an average from the beginning lags behind the truth. */
const windowMs = 5_000;

export class Speed {
  readonly #now: () => number;
  /** Moments and how many bytes were there by then, the oldest first. */
  #samples: { readonly at: number; readonly bytes: number }[];

  constructor(bytes = 0, now: () => number = Date.now) {
    this.#now = now;
    this.#samples = [{ at: now(), bytes }];
  }

  add(bytes: number): void {
    const at = this.#now();
    const oldest = this.#samples.findIndex((sample) => at - sample.at <= windowMs);
    if (oldest > 0) this.#samples = this.#samples.slice(oldest - 1);
    const last = this.#samples.at(-1);
    // Ten samples a second say it well enough, however small the pieces are.
    if (last !== undefined && this.#samples.length > 1 && at - last.at < 100) this.#samples.pop();
    this.#samples.push({ at, bytes });
  }

  /** Null while nothing can be said yet. */
  get bytesPerSecond(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.at - first.at < 200) return null;
    return Math.max(0, Math.round(((last.bytes - first.bytes) * 1000) / (last.at - first.at)));
  }

  /** Seconds until `missing` bytes more are there; null where that cannot be said. */
  secondsFor(missing: number | null): number | null {
    const speed = this.bytesPerSecond;
    if (missing === null || speed === null || speed === 0) return null;
    return Math.ceil(missing / speed);
  }
}

/** `3 s`, `2:05`, `1:02:03`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const end = `${hours > 0 ? two(minutes) : minutes}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${end}` : end;
}
