import type { Stats } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';

/** As many links as Linux follows in one path. */
const maxLinks = 40;

interface Place {
  readonly path: string;
  readonly stats: Stats;
}

/** Everything that decides what a path leads to: each folder and link on the way, and the end. */
async function* placesOf(path: string): AsyncGenerator<Place> {
  let current: string = sep;
  yield { path: current, stats: await lstat(current) };
  const rest = path.split(sep).reverse();
  for (let links = 0; rest.length > 0; ) {
    const name = rest.pop() ?? '';
    if (name === '' || name === '.') continue;
    const next = name === '..' ? dirname(current) : join(current, name);
    const stats = await lstat(next);
    yield { path: next, stats };
    if (!stats.isSymbolicLink()) {
      current = next;
      continue;
    }
    links += 1;
    if (links > maxLinks) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
    const target = await readlink(next);
    if (isAbsolute(target)) current = sep;
    rest.push(...target.split(sep).reverse());
  }
}

/** A sticky folder (`/tmp`) is fine: there only the owner of an entry can rename or remove it. */
function changeableByOthers({ stats }: Place): boolean {
  const owner = process.getuid?.() ?? 0;
  if (stats.uid !== owner && stats.uid !== 0) return true;
  // The mode of a link says nothing.
  if (stats.isSymbolicLink() || (stats.mode & 0o022) === 0) return false;
  return !(stats.isDirectory() && (stats.mode & 0o1000) !== 0);
}

/**
 * A plugin is a program that the daemon will run, and on a shared host anybody may reach the HTTP
 * port. So a file of a plugin is taken only where nobody but the daemon's own user or root could have
 * written it: owner and mode of the file, and of every folder and link that leads to it.
 */
export async function assertTrustedPath(path: string, what: string): Promise<void> {
  try {
    for await (const place of placesOf(path)) {
      if (!changeableByOthers(place)) continue;
      throw new MlosError(
        'PERMISSION_DENIED',
        `${what} ${path} is not taken: ${place.path} can be changed by users other than the ` +
          "daemon's (wrong owner, or writable by group or others).",
      );
    }
  } catch (error) {
    if (error instanceof MlosError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new MlosError('INVALID_ARGUMENT', `${what} ${path} cannot be read (${code}).`, {
      cause: error,
    });
  }
}

/**
 * The same for what a command runs: its program, and every argument that is a file. The Node that runs
 * the daemon is as safe as the daemon, wherever it is installed.
 */
export async function assertTrustedCommand(
  command: readonly string[],
  what: string,
): Promise<void> {
  for (const part of command) {
    if (!isAbsolute(part) || part === process.execPath) continue;
    const found = await stat(part).catch(() => null);
    if (found?.isFile() === true) await assertTrustedPath(part, what);
  }
}
