import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MlosError } from '../protocol/errors.ts';

/** What a running daemon leaves in its data folder for `mlos status` and `mlos stop`. */
export interface DaemonState {
  readonly pid: number;
  readonly version: string;
  readonly started_at: string;
  readonly http: { readonly host: string; readonly port: number } | null;
  readonly grpc: {
    readonly host: string;
    readonly port: number;
    readonly tls: boolean;
    readonly socket_path: string | null;
  } | null;
  readonly socket_path: string | null;
}

function stateFile(dataFolder: string): string {
  return join(dataFolder, 'daemon.json');
}

/** The daemon's lock file: held for its whole life, freed by the kernel however it ends. */
export function lockFile(dataFolder: string): string {
  return join(dataFolder, 'daemon.lock');
}

/** Written beside and renamed, so that a reader never sees half of it. */
export function writeState(dataFolder: string, state: DaemonState): void {
  const path = stateFile(dataFolder);
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new MlosError('STORAGE_FULL', `The disk of the data folder ${dataFolder} is full.`, {
      cause: error,
    });
  }
}

export function removeState(dataFolder: string): void {
  rmSync(stateFile(dataFolder), { force: true });
}

/** What the last daemon wrote, or null. It may be dead: the lock says who is alive. */
export function readState(dataFolder: string): DaemonState | null {
  try {
    return JSON.parse(readFileSync(stateFile(dataFolder), 'utf8')) as DaemonState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
