import { MultiBar, type SingleBar } from 'cli-progress';
import { formatBytes, printable } from './format.ts';
import type { FileProgress, Progress } from './progress.ts';

const sized = '{name}  [{bar}] {percentage}%  {done} of {size}  {speed}/s';
const unsized = '{name}  {done}  {speed}/s';

/** One line of the terminal: what a file is called and how far it is. */
class Line {
  readonly #name: string;
  #bar: SingleBar | null = null;
  #total: number | null;
  #bytes = 0;
  #start = 0;
  #since = Date.now();

  constructor(name: string, total: number | null) {
    const shown = printable(name);
    this.#name = (shown.length > 40 ? `…${shown.slice(-39)}` : shown).padEnd(40);
    this.#total = total;
  }

  draw(bars: MultiBar): void {
    const format = this.#total === null ? unsized : sized;
    this.#bar = bars.create(this.#total ?? 1, 0, this.#payload(), { format });
    this.at(this.#bytes);
  }

  remove(bars: MultiBar): void {
    if (this.#bar !== null) bars.remove(this.#bar);
    this.#bar = null;
  }

  from(bytes: number, total: number | null): void {
    this.#start = bytes;
    this.#since = Date.now();
    this.#total = total ?? this.#total;
    if (this.#total !== null) this.#bar?.setTotal(this.#total);
    this.at(bytes);
  }

  at(bytes: number): void {
    this.#bytes = bytes;
    this.#bar?.update(this.#total === null ? 0 : bytes, this.#payload());
  }

  #payload() {
    const seconds = Math.max(1, Date.now() - this.#since) / 1000;
    return {
      name: this.#name,
      done: formatBytes(this.#bytes),
      size: formatBytes(this.#total ?? 0),
      speed: formatBytes(Math.round((this.#bytes - this.#start) / seconds)),
    };
  }
}

/** Bars on a terminal: one for each file under way. */
export function terminalProgress(stream: NodeJS.WriteStream): Progress {
  const lines = new Set<Line>();
  let bars: MultiBar | null = null;
  const open = () =>
    new MultiBar({
      stream,
      clearOnComplete: true,
      hideCursor: true,
      fps: 10,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      barsize: 30,
    });
  const hide = () => {
    bars?.stop();
    bars = null;
  };
  return {
    plan: () => undefined,
    file(name, total): FileProgress {
      const line = new Line(name, total);
      lines.add(line);
      bars ??= open();
      line.draw(bars);
      return {
        from: (bytes, of) => line.from(bytes, of),
        at: (bytes) => line.at(bytes),
        end() {
          lines.delete(line);
          if (bars !== null) line.remove(bars);
        },
      };
    },
    aside(write) {
      hide();
      write();
      if (lines.size === 0) return;
      bars = open();
      for (const line of lines) line.draw(bars);
    },
    stop() {
      hide();
      lines.clear();
    },
  };
}
