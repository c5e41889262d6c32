import { SingleBar } from 'cli-progress';
import { formatBytes, printable } from './format.ts';
import type { Progress } from './progress.ts';

/** A bar on a terminal. */
export function terminalProgress(stream: NodeJS.WriteStream): Progress {
  let bar: SingleBar | null = null;
  let name = '';
  let total: number | null = null;
  let bytes = 0;
  const stop = () => {
    bar?.stop();
    bar = null;
  };
  const show = () => {
    bar = new SingleBar({
      stream,
      clearOnComplete: true,
      hideCursor: true,
      fps: 10,
      format:
        total === null
          ? '{name}  {done}  {speed}/s'
          : '{name}  [{bar}] {percentage}%  {done} of {size}',
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      barsize: 30,
    });
    bar.start(total ?? 1, 0, payload());
  };
  let since = Date.now();
  const payload = () => ({
    name: name.length > 40 ? `…${name.slice(-39)}` : name,
    done: formatBytes(bytes),
    size: formatBytes(total ?? 0),
    speed: formatBytes(Math.round((bytes * 1000) / Math.max(1, Date.now() - since))),
  });
  return {
    start(nextName, totalBytes) {
      stop();
      name = printable(nextName);
      total = totalBytes;
      bytes = 0;
      since = Date.now();
      show();
    },
    at(nextBytes) {
      bytes = nextBytes;
      bar?.update(total === null ? 0 : bytes, payload());
    },
    stop,
    aside(write) {
      const running = bar !== null;
      stop();
      write();
      if (running) {
        show();
        bar?.update(total === null ? 0 : bytes, payload());
      }
    },
  };
}
