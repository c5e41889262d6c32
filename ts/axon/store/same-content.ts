import fs from 'node:fs';
import { errnoOf } from '../axon-error.ts';

/** How a file gets a second name: false where it cannot have one. */
export type LinkFile = (from: string, to: string) => boolean;

/** Another device, too many links already, another owner, or a file system without hard links. */
const impossible = new Set(['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export const hardLink: LinkFile = (from, to) => {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (impossible.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
};

/** A copy of its own: a reflink where the file system can, else bytes. `to` must not exist. */
export async function copyContent(from: string, to: string): Promise<void> {
  const { COPYFILE_FICLONE, COPYFILE_EXCL } = fs.constants;
  await fs.promises.copyFile(from, to, COPYFILE_FICLONE | COPYFILE_EXCL);
}

export function isSameFile(a: fs.Stats | undefined, b: fs.Stats | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

export function statOrNone(file: string): fs.Stats | undefined {
  return fs.lstatSync(file, { throwIfNoEntry: false });
}
