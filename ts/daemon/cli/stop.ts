import { PidFd } from '../../native/pidfd.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type CommonOptions, configOf } from './options.ts';
import { print } from './report.ts';
import { requireDaemon } from './running.ts';

/** Drain, plugin stop and some slack. */
const patienceMs = limits.drainMs + limits.pluginStopMs + 3_000;

/** Asks the daemon of a data folder to stop and waits until it is gone. */
export async function stop(options: CommonOptions): Promise<number> {
  const { pid } = requireDaemon(await configOf(options));
  const process = PidFd.open(pid);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new MlosError(
            'DEADLINE_EXCEEDED',
            `The daemon (pid ${pid}) has not stopped within ${patienceMs / 1000} s. A second SIGTERM ends it at once: kill ${pid}.`,
          ),
        );
      }, patienceMs);
      process.onExit(() => {
        clearTimeout(timer);
        resolve();
      });
      process.signal('SIGTERM');
    });
  } finally {
    process.close();
  }
  print(`Stopped the daemon (pid ${pid}).`);
  return 0;
}
