import fs from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../axon-error.ts';

/** Brings a file or a folder to disk. */
export function syncPath(file: string): void {
  const fd = fs.openSync(file, 'r');
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    // Some file systems have no fsync for folders; there the rename is all there is.
    if (errnoOf(error) !== 'EINVAL') throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** All folders from `dir` down; what is in them is on disk already. */
export function syncFolders(dir: string): void {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) syncFolders(path.join(dir, entry.name));
  syncPath(dir);
}

/** Writes a file whole or not at all; `draft` lies on the same file system. */
export function replaceDurably(file: string, text: string, draft: string, mode = 0o666): void {
  try {
    fs.writeFileSync(draft, text, { mode });
    syncPath(draft);
    fs.renameSync(draft, file);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw error;
  }
  syncPath(path.dirname(file));
}

/** Writes a file where there is none, whole or not at all. */
export function writeNew(file: string, text: string, mode = 0o666): void {
  const fd = fs.openSync(file, 'wx', mode);
  try {
    fs.writeFileSync(fd, text, { flush: true });
  } catch (error) {
    fs.rmSync(file, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}
