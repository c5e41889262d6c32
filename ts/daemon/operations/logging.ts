import type { LogLevelName } from '../../protocol/log-levels.ts';
import type { Operations } from './operation.ts';

/** The daemon's log, as far as an operation sees it. */
export interface LogSettings {
  level: LogLevelName;
  readonly file: string;
}

export function loggingOperations(
  log: LogSettings,
): Pick<Operations, 'logging.get' | 'logging.set'> {
  const settings = () => ({ status: 'success' as const, level: log.level, file: log.file });
  return {
    'logging.get': settings,
    'logging.set': ({ level }) => {
      log.level = level;
      return settings();
    },
  };
}
