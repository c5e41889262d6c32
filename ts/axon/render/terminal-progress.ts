import { MultiBar, type SingleBar } from 'cli-progress';
import { formatBytes, formatCount, printable } from './format.ts';
import type { FileProgress, Progress } from './progress.ts';
import { formatSeconds, Speed } from './speed.ts';
import { Total } from './total.ts';

const sized = '{name}  [{bar}] {percentage}%  {done} of {size}  {speed}  {left}';
const unsized = '{name}  {done}  {speed}';

/** One line of the terminal: what a file is called and how far it is. */
class Line {
  readonly #name: string;
  #bar: SingleBar | null = null;
  #total: number | null;
  #bytes = 0;
  #speed = new Speed();

  constructor(name: string, total: number | null) {
    const shown = printable(name);
    this.#name = (shown.length > 40 ? `…${shown.slice(-39)}` : shown).padEnd(40);
    this.#total = total;
  }

  draw(bars: MultiBar): void {
    const format = this.#total === null ? unsized : sized;
    this.#bar = bars.create(this.#total ?? 1, 0, this.#payload(), { format });
    this.show();
  }

  remove(bars: MultiBar): void {
    if (this.#bar !== null) bars.remove(this.#bar);
    this.#bar = null;
  }

  from(bytes: number, total: number | null): void {
    this.#speed = new Speed(bytes);
    this.#total = total ?? this.#total;
    if (this.#total !== null) this.#bar?.setTotal(this.#total);
    this.at(bytes);
  }

  at(bytes: number): void {
    this.#bytes = bytes;
    this.#speed.add(bytes);
    this.show();
  }

  show(): void {
    this.#bar?.update(this.#total === null ? 0 : this.#bytes, this.#payload());
  }

  #payload() {
    const missing = this.#total === null ? null : Math.max(0, this.#total - this.#bytes);
    return {
      name: this.#name,
      done: formatBytes(this.#bytes),
      size: formatBytes(this.#total ?? 0),
      ...pace(this.#speed.bytesPerSecond, this.#speed.secondsFor(missing)),
    };
  }
}

function pace(speed: number | null, left: number | null) {
  return {
    speed: speed === null ? '' : `${formatBytes(speed)}/s`,
    left: left === null ? '' : `${formatSeconds(left)} left`,
  };
}

/** The line below the others, where there is more than one file: all of them together. */
class TotalLine {
  total = new Total();
  #bar: SingleBar | null = null;

  draw(bars: MultiBar): void {
    if (this.total.files < 2) return;
    const format = this.total.bytes === null ? unsized : sized;
    this.#bar = bars.create(this.total.bytes ?? 1, 0, this.#payload(), { format });
    this.show();
  }

  remove(bars: MultiBar): void {
    if (this.#bar !== null) bars.remove(this.#bar);
    this.#bar = null;
  }

  show(): void {
    this.#bar?.update(this.total.bytes === null ? 0 : this.total.done, this.#payload());
  }

  #payload() {
    const { files, filesDone, done, bytes, bytesPerSecond, secondsLeft } = this.total;
    return {
      name: `${filesDone} of ${formatCount(files, 'file')}`.padEnd(40),
      done: formatBytes(done),
      size: formatBytes(bytes ?? 0),
      ...pace(bytesPerSecond, secondsLeft),
    };
  }
}

/** Bars on a terminal: one for each file under way, and one for all of them. */
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
  const below = new TotalLine();
  const draw = () => {
    bars = open();
    for (const line of lines) line.draw(bars);
    below.draw(bars);
  };
  return {
    plan: (sizes) => below.total.plan(sizes),
    file(name, total): FileProgress {
      const line = new Line(name, total);
      const whole = below.total.file(total);
      let ended = false;
      lines.add(line);
      if (bars === null) draw();
      else {
        below.remove(bars);
        line.draw(bars);
        below.draw(bars);
      }
      return {
        from(bytes, of) {
          if (ended) return;
          whole.from(bytes, of);
          line.from(bytes, of);
          below.show();
        },
        at(bytes) {
          if (ended) return;
          whole.at(bytes);
          line.at(bytes);
          below.show();
        },
        end(isWhole) {
          if (ended) return;
          ended = true;
          whole.end(isWhole);
          lines.delete(line);
          if (bars !== null) line.remove(bars);
          below.show();
        },
      };
    },
    aside(write) {
      hide();
      write();
      if (lines.size > 0) draw();
    },
    stop() {
      hide();
      lines.clear();
      below.total = new Total();
    },
  };
}
