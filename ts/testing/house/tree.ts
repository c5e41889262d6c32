import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout, from dist/testing/house as from ts/testing/house. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Files that git tracks or would track, relative to the root. */
export function projectFiles(pattern: RegExp): readonly string[] {
  const { stdout, status } = spawnSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error('git ls-files failed: the house tests need a git checkout');
  return stdout.split('\n').filter((file) => file !== '' && pattern.test(file));
}

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}
