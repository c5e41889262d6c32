import type { Readable } from 'node:stream';
import type { Clock } from './clock.ts';
import type { HostLimits } from './host-limits.ts';

type Emit = (line: string) => void;

/**
 * Cuts a plugin's output into lines for the daemon's log: long lines are cut, and beyond a number of
 * lines per second the rest is counted instead of written, so that a babbling plugin fills no disk.
 */
export class LogMirror {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #emit: Emit;
  #partial = '';
  #skipping = false;
  #second = 0;
  #lines = 0;
  #last = '';

  constructor(options: { limits: HostLimits; clock: Clock; emit: Emit }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#emit = options.emit;
  }

  /** The last lines, for the reason of a crash. */
  get last(): string {
    return this.#last.trim();
  }

  read(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#push(text));
    stream.on('error', () => undefined);
  }

  #push(text: string): void {
    const max = this.#limits.logLineLength;
    this.#last = (this.#last + text.slice(-600)).slice(-600);
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!this.#skipping) this.#line((this.#partial + line).slice(0, max));
      this.#skipping = false;
      this.#partial = '';
    }
    if (this.#skipping) return;
    this.#partial += rest.slice(0, max);
    if (this.#partial.length < max) return;
    this.#line(this.#partial.slice(0, max));
    this.#partial = '';
    this.#skipping = true;
  }

  #line(line: string): void {
    if (line === '') return;
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      const dropped = this.#lines - this.#limits.logLinesPerSecond;
      if (dropped > 0) this.#emit(`(${dropped} lines of output left out)`);
      this.#second = second;
      this.#lines = 0;
    }
    this.#lines += 1;
    if (this.#lines <= this.#limits.logLinesPerSecond) this.#emit(line);
  }
}
