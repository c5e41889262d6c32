import fs from 'node:fs';
import { AxonError } from '../axon-error.ts';
import { formatBytes } from '../render/format.ts';

/** Left free on purpose: a full disk breaks more than this install. */
const reserveBytes = 64 * 1024 * 1024;

/** Refuses before the first byte when the disk cannot hold what comes. `dir` must exist. */
export function requireSpace(dir: string, bytes: number): void {
  const { bavail, bsize } = fs.statfsSync(dir);
  const free = bavail * bsize;
  if (bytes + reserveBytes <= free) return;
  throw new AxonError(
    'NO_SPACE',
    `${formatBytes(bytes)} are needed in ${dir}, beside ${formatBytes(reserveBytes)} that stay free; ${formatBytes(free)} are free. ` +
      'Free some room, or point cache_dir to another disk.',
    { details: { needed_bytes: bytes, free_bytes: free } },
  );
}
