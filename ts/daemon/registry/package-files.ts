import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import type { ManifestFile } from '../../protocol/manifest.ts';
import { assertRegular, digestFile } from '../plugin/regular-file.ts';

/** Why a path could not be read, in the words of the contract. */
export function fileError(error: unknown, path: string): MlosError {
  if (error instanceof MlosError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM') {
    return new MlosError('PERMISSION_DENIED', `The daemon may not read ${path}.`, { cause: error });
  }
  return new MlosError(
    'INVALID_ARGUMENT',
    `${path} cannot be read (${code ?? String(error)}). The path is looked up on the daemon's host.`,
    { cause: error },
  );
}

/** sha256 of a file, in hex. Errors: INVALID_ARGUMENT, PERMISSION_DENIED. */
export async function fileDigest(path: string): Promise<string> {
  try {
    return await digestFile(path);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** A file of the package that really lies inside its folder; the answer is relative to it. */
export async function insideFolder(folder: string, file: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(join(folder, file));
  } catch (error) {
    throw fileError(error, join(folder, file));
  }
  const inside = relative(folder, real);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new MlosError('PERMISSION_DENIED', `${file} leads out of the package folder ${folder}.`);
  }
  return inside;
}

function damaged(path: string, expected: string | number, received: string | number): MlosError {
  const what = typeof expected === 'number' ? 'size' : 'sha256';
  return new MlosError(
    'DATA_CORRUPTED',
    `${path} has ${what} ${received}, but its manifest says ${expected}. Install it again.`,
    { details: { expected, received } },
  );
}

async function sizeOf(path: string): Promise<number> {
  const stats = await stat(path);
  assertRegular(path, stats, 'INVALID_ARGUMENT');
  return stats.size;
}

/** Where a listed file lies, after its size is found to be right. */
async function assertSize(folder: string, file: ManifestFile): Promise<string> {
  const path = join(folder, file.path);
  try {
    const real = join(folder, await insideFolder(folder, file.path));
    const size = await sizeOf(real);
    if (size !== file.size) throw damaged(path, file.size, size);
    return real;
  } catch (error) {
    const cause = error instanceof MlosError ? error.cause : error;
    if ((cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT')
      throw fileError(error, path);
    throw new MlosError(
      'DATA_CORRUPTED',
      `${path} is missing, but its manifest lists it. Install it again.`,
      { cause },
    );
  }
}

/**
 * Files of a package are what its manifest says, by size and then by sha256. Errors: DATA_CORRUPTED
 * naming the first that differs or is missing; all sizes are looked at before anything is hashed.
 */
export async function assertAsListed(
  folder: string,
  files: readonly ManifestFile[],
): Promise<void> {
  const paths: string[] = [];
  for (const file of files) paths.push(await assertSize(folder, file));
  for (const [index, file] of files.entries()) {
    const digest = await fileDigest(paths[index] ?? '');
    if (digest !== file.sha256) throw damaged(join(folder, file.path), file.sha256, digest);
  }
}
