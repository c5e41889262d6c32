import { FileLock } from '../../native/file-lock.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { Config } from '../config/config.ts';
import { type DaemonState, lockFile, readState } from '../state-file.ts';

/** Nothing runs. Its exit code is that of `systemctl status`, whichever command found out. */
export class NotRunning extends MlosError {
  constructor(dataFolder: string) {
    super(
      'FAILED_PRECONDITION',
      `No daemon runs on the data folder ${dataFolder}. Start one with \`mlos serve\`.`,
    );
  }
}

function isLocked(dataFolder: string): boolean {
  try {
    FileLock.acquire(lockFile(dataFolder)).release();
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EWOULDBLOCK') return true;
    if (code === 'ENOENT') return false;
    throw error;
  }
}

/** The daemon of a data folder, or null. The lock decides: it cannot outlive the process. */
export function runningDaemon(config: Config): DaemonState | null {
  const dataFolder = config.get('core.data_dir');
  return isLocked(dataFolder) ? readState(dataFolder) : null;
}

export function requireDaemon(config: Config): DaemonState {
  const state = runningDaemon(config);
  if (state !== null) return state;
  throw new NotRunning(config.get('core.data_dir'));
}
