import { Daemon } from '../daemon.ts';
import { Log } from '../observe/log.ts';
import { type CommonOptions, configOf } from './options.ts';

/** 128 + signal number, as shells count. */
const forcedExitCode = 143;

/** Runs the daemon until SIGTERM or SIGINT; a second signal ends it at once. */
export async function serve(options: CommonOptions): Promise<number> {
  const config = await configOf(options);
  const log = new Log(config.get('logging.level'), config.get('logging.file'));
  const { logger } = log;
  const stop = new Promise<string>((resolve) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        // Plugins die with us: each has a parent-death signal and notices the closed socket.
        if (asked) process.exit(forcedExitCode);
        asked = true;
        resolve(signal);
      });
    }
  });
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception; the daemon ends');
    process.exit(1);
  });
  // Until the doors are open there is nothing to drain: the first signal ends a start as well.
  const starting = Daemon.start(config, log);
  const early = await Promise.race([starting.then(() => null), stop]);
  if (early !== null) process.exit(forcedExitCode);
  const daemon = await starting;
  const signal = await stop;
  logger.info({ signal }, 'draining');
  await daemon.close();
  return 0;
}
