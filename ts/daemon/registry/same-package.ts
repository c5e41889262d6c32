import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { readTextFile } from '../plugin/regular-file.ts';
import { absolutePath } from './package.ts';

/**
 * A client that may be on another host says which package it means by the sha256 of its manifest, which
 * holds that of every file. Another one at the same path here, or none, is not the client's: it has to
 * send its own. Errors: FAILED_PRECONDITION with `details.upload`.
 */
export async function assertSamePackage(
  path: string,
  manifestPath: string | undefined,
  sha256: string,
): Promise<void> {
  const file = absolutePath(manifestPath ?? join(path, 'manifest.yaml'), 'manifest_path');
  const why = await difference(file, sha256);
  if (why === null) return;
  throw new MlosError(
    'FAILED_PRECONDITION',
    `The daemon does not see this package: ${file} ${why}. Upload it (uploads.begin).`,
    { details: { upload: true } },
  );
}

async function difference(file: string, sha256: string): Promise<string | null> {
  try {
    const options = { code: 'INVALID_MANIFEST', maxBytes: limits.manifestBytes } as const;
    const text = await readTextFile(file, options);
    return createHash('sha256').update(text).digest('hex') === sha256 ? null : 'is another one';
  } catch (error) {
    if (error instanceof MlosError) return 'is no manifest';
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
}
