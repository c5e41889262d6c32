import { statSync } from 'node:fs';
import { FileLock } from '../native/file-lock.ts';
import { MlosError } from '../protocol/errors.ts';
import { makeFolder } from '../protocol/make-folder.ts';
import { lockFile, readState } from './state-file.ts';

const ownerOnly = 0o700;

/** What the file system says when a folder cannot be had, in the words of our errors. */
function folderError(folder: string, error: unknown): MlosError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new MlosError('STORAGE_FULL', `The disk of the data folder ${folder} is full.`, {
      cause: error,
    });
  }
  return new MlosError(
    'FAILED_PRECONDITION',
    `The data folder ${folder} cannot be used (${code}). Choose another with --data-dir.`,
    { cause: error },
  );
}

/** Makes the data folder where it is missing and takes its lock. One daemon per folder. */
export function openDataFolder(folder: string): FileLock {
  try {
    makeFolder(folder, ownerOnly);
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    return FileLock.acquire(lockFile(folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EWOULDBLOCK') throw folderError(folder, error);
    const pid = readState(folder)?.pid;
    throw new MlosError(
      'FAILED_PRECONDITION',
      `Another daemon${pid === undefined ? '' : ` (pid ${pid})`} uses the data folder ${folder}. ` +
        'Stop it with `mlos stop`, or choose another folder with --data-dir.',
      { cause: error },
    );
  }
}
