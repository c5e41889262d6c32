import { type Logger, pino, stdTimeFunctions } from 'pino';

/** Structured log lines (JSON), to a file or to standard output. Sync: a crash loses none. */
export function openLog(options: { readonly level: string; readonly file: string }): Logger {
  const destination = pino.destination(
    options.file === ''
      ? { fd: 1, sync: true }
      : { dest: options.file, mkdir: true, sync: true, append: true },
  );
  return pino(
    { level: options.level, base: { pid: process.pid }, timestamp: stdTimeFunctions.isoTime },
    destination,
  );
}
