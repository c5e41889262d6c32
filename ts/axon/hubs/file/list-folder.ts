import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../../protocol/limits.ts';
import { AxonError } from '../../axon-error.ts';

/** Tools' own folders; nothing in them belongs to a model. */
const skipped: ReadonlySet<string> = new Set(['.git', '.cache']);

/** Names of the regular files below a folder, sorted. Links may point to files inside the folder only. */
export function listFolder(root: string): string[] {
  const real = fs.realpathSync(root);
  const names: string[] = [];
  for (const name of walk(real, '')) {
    names.push(name);
    if (names.length > limits.packageFiles)
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${root} holds more than ${limits.packageFiles} files. Name a smaller folder.`,
      );
  }
  return names.sort();
}

function* walk(root: string, prefix: string): Generator<string> {
  for (const entry of fs.readdirSync(path.join(root, prefix), { withFileTypes: true })) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory() && !skipped.has(entry.name)) yield* walk(root, name);
    else if (entry.isFile() || (entry.isSymbolicLink() && linkedFile(root, name))) yield name;
  }
}

function linkedFile(root: string, name: string): boolean {
  const full = path.join(root, name);
  const target = fs.existsSync(full) ? fs.realpathSync(full) : null;
  if (target === null) return false;
  if (!target.startsWith(`${root}${path.sep}`))
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `${full} is a link that leaves the folder. Copy the folder with \`cp -rL\` and install the copy.`,
    );
  return fs.statSync(full).isFile();
}
