import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseManifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { productVersion } from '../../protocol/version.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { verifyFiles } from '../package/verify.ts';
import { type Installed, readManifestText } from '../store/catalog.ts';
import { manifestName, metadataName } from '../store/layout.ts';
import { acquireLock } from '../store/lock.ts';
import { bringAnew, readMetadata, replaceMetadata } from '../store/metadata.ts';
import { makeWay } from './make-way.ts';

/**
 * Writes the note of an install anew where it is damaged and all else is right: the manifest is of this id, and every
 * file is as it says. Where the model came from was in the note only, and is not made up. False where the note
 * is not what is wrong.
 */
export async function renewNote(
  { id, dir }: Installed,
  { layout, output, signal }: Context,
): Promise<boolean> {
  if (!isNoteDamaged(dir)) return false;
  const label = formatModelId(id);
  const lock = await acquireLock(layout.lockName(id), {
    waitMs: 60_000,
    signal,
    onWait: () => output.note(`Another axon works on ${label}; waiting for it.`),
  });
  try {
    const text = readManifestText(dir);
    const manifest = parseManifest(text, path.join(dir, manifestName));
    const { missing, damaged } = await verifyFiles(dir, manifest, signal);
    const isOther = formatModelId(manifest.metadata) !== label;
    if (isOther || missing.length + damaged.length > 0)
      throw new AxonError(
        'INVALID_PACKAGE',
        `the note of its install is damaged, and ${isOther ? `its manifest is that of ${formatModelId(manifest.metadata)}` : `so are ${[...missing, ...damaged].slice(0, 5).join(', ')}`}. ${bringAnew}`,
      );
    makeWay(path.join(dir, metadataName));
    replaceMetadata(layout, dir, {
      installed_at: fs.statSync(path.join(dir, manifestName)).mtime.toISOString(),
      ...id,
      axon_version: productVersion,
      manifest_sha256: createHash('sha256').update(text).digest('hex'),
    });
    return true;
  } finally {
    lock.release();
  }
}

function isNoteDamaged(dir: string): boolean {
  try {
    readMetadata(dir);
    return false;
  } catch (error) {
    if (error instanceof AxonError && error.code === 'INVALID_PACKAGE') return true;
    if (errnoOf(error) === 'EISDIR') return true;
    throw error;
  }
}
