import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../../protocol/limits.ts';
import { AxonError } from '../../axon-error.ts';

/** Tools' own folders; nothing in them belongs to a model. */
const skipped: ReadonlySet<string> = new Set(['.git', '.cache']);

export interface FolderList {
  /** Names of the regular files below the folder, sorted. */
  readonly files: readonly string[];
  /** What else is there and no file of a model: each with the reason. */
  readonly passedOver: readonly string[];
}

/** Links may point to files inside the folder only. */
export function listFolder(root: string): FolderList {
  const real = fs.realpathSync(root);
  const files: string[] = [];
  const passedOver: string[] = [];
  for (const { name, why } of walk(real, '')) {
    if (why === null) files.push(name);
    else passedOver.push(`${name} (${why})`);
    if (files.length + passedOver.length > limits.packageFiles)
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${root} holds more than ${limits.packageFiles} files. Name a smaller folder.`,
      );
  }
  return { files: files.sort(), passedOver: passedOver.sort() };
}

interface Entry {
  readonly name: string;
  /** Why it is passed over; null for a file that is taken. */
  readonly why: string | null;
}

function* walk(root: string, prefix: string): Generator<Entry> {
  for (const entry of fs.readdirSync(path.join(root, prefix), { withFileTypes: true })) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) yield* walk(root, name);
    } else if (entry.isFile()) yield { name, why: null };
    else yield { name, why: entry.isSymbolicLink() ? faultOfLink(root, name) : 'no regular file' };
  }
}

/** Null for a link to a file inside the folder. */
function faultOfLink(root: string, name: string): string | null {
  const full = path.join(root, name);
  if (!fs.existsSync(full)) return 'a link that leads nowhere';
  if (!fs.realpathSync(full).startsWith(`${root}${path.sep}`))
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `${full} is a link that leaves the folder. Copy the folder with \`cp -rL\` and install the copy.`,
    );
  const target = fs.statSync(full);
  if (target.isFile()) return null;
  return target.isDirectory() ? 'a link to a folder' : 'a link to no regular file';
}
