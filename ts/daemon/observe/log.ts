import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { LogLevelName } from '../../protocol/log-levels.ts';

/** The daemon's log. Its level can be changed while it runs, for the loggers of all rooms at once. */
export class Log {
  readonly logger: Logger;
  /** Empty: standard output. */
  readonly file: string;
  /** Loggers made from the first one: pino gives each a level of its own. */
  readonly #children = new Set<WeakRef<Logger>>();

  constructor(level: LogLevelName, file: string) {
    const destination = pino.destination(
      // Sync: a crash loses none.
      file === '' ? { fd: 1, sync: true } : { dest: file, mkdir: true, sync: true, append: true },
    );
    const onChild = (child: unknown) => this.#remember(child as Logger);
    const base = { pid: process.pid };
    this.file = file;
    this.logger = pino({ level, base, timestamp: stdTimeFunctions.isoTime, onChild }, destination);
  }

  get level(): LogLevelName {
    return this.logger.level as LogLevelName;
  }

  set level(level: LogLevelName) {
    this.logger.level = level;
    for (const reference of this.#children) {
      const child = reference.deref();
      if (child === undefined) this.#children.delete(reference);
      else child.level = level;
    }
  }

  #remember(child: Logger): void {
    for (const reference of this.#children) {
      if (reference.deref() === undefined) this.#children.delete(reference);
    }
    this.#children.add(new WeakRef(child));
  }
}
