import { event } from './output.ts';
import type { FileProgress, Progress } from './progress.ts';
import { Speed } from './speed.ts';
import { Total } from './total.ts';

/** So often a file tells where it is. */
const everyMs = 500;

/** Progress as lines of JSON: `plan`, `file` and `progress` events. */
export function eventProgress(
  write: (text: string) => void,
  now: () => number = Date.now,
): Progress {
  let total = new Total(now);
  return {
    plan(sizes) {
      total.plan(sizes);
      write(event('plan', { files: total.files, bytes: total.bytes }));
    },
    file(name, size, digest): FileProgress {
      const whole = total.file(size);
      let of = size;
      let reached = 0;
      let speed = new Speed(0, now);
      let told = now();
      let ended = false;
      const tell = (state: string) => {
        told = now();
        write(
          event('file', {
            ...{ name, state, bytes: reached, size: of },
            ...(digest === undefined ? {} : { digest }),
            bytes_per_second: speed.bytesPerSecond,
            seconds_left: speed.secondsFor(of === null ? null : Math.max(0, of - reached)),
            total: {
              ...{ files: total.files, files_done: total.filesDone },
              ...{ bytes: total.done, size: total.bytes },
              bytes_per_second: total.bytesPerSecond,
              seconds_left: total.secondsLeft,
            },
          }),
        );
      };
      return {
        from(bytes, known) {
          if (ended) return;
          whole.from(bytes, known);
          [of, reached, speed] = [known ?? of, bytes, new Speed(bytes, now)];
          tell('started');
        },
        at(bytes) {
          if (ended) return;
          whole.at(bytes);
          reached = bytes;
          speed.add(bytes);
          if (now() - told >= everyMs) tell('running');
        },
        end(isWhole) {
          if (ended) return;
          ended = true;
          whole.end(isWhole);
          tell(isWhole ? 'done' : 'failed');
        },
      };
    },
    aside: (writeLine) => writeLine(),
    stop() {
      total = new Total(now);
    },
  };
}
