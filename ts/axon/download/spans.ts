/** Bytes from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Which bytes of a file are there: spans in order, never touching each other. */
export class Spans {
  #list: Span[];

  constructor(list: readonly Span[] = []) {
    this.#list = [];
    for (const span of list) this.add(span);
  }

  get list(): readonly Span[] {
    return this.#list;
  }

  get bytes(): number {
    return this.#list.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** All bytes before it are there. */
  get frontier(): number {
    const [first] = this.#list;
    return first?.start === 0 ? first.end : 0;
  }

  add({ start, end }: Span): void {
    if (end <= start) return;
    const touching = this.#list.filter((span) => span.start <= end && span.end >= start);
    const joined = {
      start: Math.min(start, ...touching.map((span) => span.start)),
      end: Math.max(end, ...touching.map((span) => span.end)),
    };
    const others = this.#list.filter((span) => span.start > end || span.end < start);
    this.#list = [...others, joined].sort((a, b) => a.start - b.start);
  }

  /** What is missing of `within`, in pieces of at most `most` bytes. */
  gaps(within: Span, most = Number.POSITIVE_INFINITY): Span[] {
    const found: Span[] = [];
    let at = within.start;
    for (const { start, end } of [...this.#list, { start: within.end, end: within.end }]) {
      while (at < Math.min(start, within.end)) {
        const stop = Math.min(at + most, start, within.end);
        found.push({ start: at, end: stop });
        at = stop;
      }
      at = Math.max(at, end);
    }
    return found;
  }
}
