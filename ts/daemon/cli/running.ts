import { FileLock } from '../../native/file-lock.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { Config, ConfigSource } from '../config/config.ts';
import { type DaemonState, lockFile, readState } from '../state-file.ts';

/*
 * Which daemon a command means:
 *
 * 1. A socket that was named by flag or variable is asked, whatever the data folder holds: it is an
 *    address, as it is for every client.
 * 2. A data folder named more directly than the socket (a flag beside a variable) goes before it.
 * 3. Else the data folder's lock says whether one runs, and its state file where it listens.
 */

/** Nothing runs there. Its exit code is that of `systemctl status`, whichever command found out. */
export class NotRunning extends MlosError {
  static onFolder(dataFolder: string): NotRunning {
    return new NotRunning(
      'FAILED_PRECONDITION',
      `No daemon runs on the data folder ${dataFolder}. Start one with \`mlos serve\`.`,
    );
  }

  static atSocket(socketPath: string, cause: unknown): NotRunning {
    return new NotRunning(
      'FAILED_PRECONDITION',
      `No daemon listens at ${socketPath}. Start one with \`mlos serve --socket ${socketPath}\`, or leave the socket out to ask the one of the data folder.`,
      { cause },
    );
  }
}

const directness: Readonly<Record<ConfigSource, number>> = {
  flag: 2,
  environment: 1,
  file: 0,
  default: 0,
};

/** The socket that the command is to ask (rules 1 and 2), or null. */
export function namedSocket(config: Config): string | null {
  const socket = directness[config.source('api.ipc.socket_path')];
  const isNamed = socket > 0 && socket >= directness[config.source('core.data_dir')];
  return isNamed ? config.get('api.ipc.socket_path') : null;
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

/** The daemon of the data folder (rule 3). The lock decides: it cannot outlive the process. */
export function daemonOfFolder(config: Config): DaemonState {
  const dataFolder = config.get('core.data_dir');
  const state = isLocked(dataFolder) ? readState(dataFolder) : null;
  if (state !== null) return state;
  throw NotRunning.onFolder(dataFolder);
}
