import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';

/** Lets a file take its place: an empty folder there goes. One with files is somebody's to remove. */
export function makeWay(target: string): void {
  if (fs.lstatSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  if (hasFiles(target))
    throw new AxonError(
      'IO_ERROR',
      `${target} is a folder with files where a file has to be. Remove it, then try again.`,
    );
  fs.rmSync(target, { recursive: true });
}

function hasFiles(folder: string): boolean {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .some((entry) => !entry.isDirectory() || hasFiles(path.join(folder, entry.name)));
}
