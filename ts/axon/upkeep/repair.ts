import fs from 'node:fs';
import path from 'node:path';
import type { Manifest, ManifestFile } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { hashFile } from '../download/fetch-file.ts';
import type { Source } from '../hubs/hub.ts';
import { parseSpec } from '../hubs/registry.ts';
import { storeBlobs, takeStored } from '../install/reuse.ts';
import { type Installed, readManifest } from '../store/catalog.ts';
import { acquireLock } from '../store/lock.ts';
import { readMetadata } from '../store/metadata.ts';
import { Staging } from '../store/staging.ts';
import { syncPath } from '../store/sync.ts';

/*
 * Brings the named files of an installed model again, and nothing else.
 * 1. What the store has under the same hash, because other packages hold it, is taken from there.
 * 2. The rest comes from where the model came from, at the revision that was installed. A source that has
 *    moved on is not asked for something else instead; one that knows no revisions is left to rule 3.
 * 3. A file takes its place only when it has the hash of the manifest, by a rename.
 */
export async function repairModel(
  { id, dir }: Installed,
  names: readonly string[],
  context: Context,
): Promise<{ readonly fetched: number; readonly taken: number }> {
  const label = formatModelId(id);
  const { layout, output, signal } = context;
  const lock = await acquireLock(layout.lockName(id), {
    waitMs: 60_000,
    signal,
    onWait: () => output.note(`Another axon works on ${label}; waiting for it.`),
  });
  try {
    const manifest = readManifest(dir);
    const wanted = manifest.spec.format.files.filter((file) => names.includes(file.path));
    const staging = new Staging(layout, id);
    staging.open();
    const left = await fromStore(wanted, staging.package, context);
    if (left.length > 0) await fromSource(left, manifest, dir, staging, context);
    for (const file of wanted) await putBack(file, staging.package, dir, context);
    staging.discard();
    return { fetched: left.length, taken: wanted.length - left.length };
  } finally {
    lock.release();
  }
}

/** Rule 1. Gives those that the store does not have. */
async function fromStore(
  wanted: readonly ManifestFile[],
  into: string,
  context: Context,
): Promise<readonly ManifestFile[]> {
  const blobs = storeBlobs(context);
  const left: ManifestFile[] = [];
  for (const file of wanted) {
    const taken = await blobs.take(file.sha256, path.join(into, file.path), null, context.signal);
    if (taken === null) left.push(file);
  }
  return left;
}

async function fromSource(
  wanted: readonly ManifestFile[],
  manifest: Manifest,
  dir: string,
  staging: Staging,
  context: Context,
): Promise<void> {
  const source = await sameSource(manifest, dir, context);
  const into = staging.arrived;
  staging.keepFor(JSON.stringify(source.pin));
  fs.mkdirSync(into, { recursive: true });
  const names = new Set(wanted.map((file) => file.path));
  if (source.kind === 'package') {
    // A package is unpacked whole and into an empty folder: an interrupted repair may have left some of it.
    fs.rmSync(into, { recursive: true });
    fs.mkdirSync(into);
    await source.unpack(into, staging.download, takeStored(context));
  } else {
    const planned = (await source.plan(staging.download)).filter((file) => names.has(file.path));
    await source.fetch(planned, into, staging.download);
  }
  for (const { path: name } of wanted) {
    const from = path.join(into, name);
    if (!fs.existsSync(from))
      throw new AxonError('NOT_FOUND', `${source.pin.id} does not have ${JSON.stringify(name)}.`);
    fs.mkdirSync(path.dirname(path.join(staging.package, name)), { recursive: true });
    fs.renameSync(from, path.join(staging.package, name));
  }
}

/** Rule 2: as the user named the model, else as the source names that revision. */
async function sameSource(manifest: Manifest, dir: string, context: Context): Promise<Source> {
  const label = formatModelId(manifest.metadata);
  const source = manifest.distribution?.source;
  if (source === undefined || source.hub === 'file')
    throw new AxonError(
      'NO_SOURCE',
      `${label} comes from a file of this machine. Install it again with --force.`,
    );
  const revision = source.revision ?? null;
  const asked = readMetadata(dir)?.asked?.source;
  const pinned = revision === null ? undefined : `${source.hub}/${source.id}@${revision}`;
  let failure: unknown = null;
  for (const text of [asked, pinned]) {
    if (text === undefined) continue;
    try {
      const found = await parseSpec(text, context).resolve(context);
      const named = found.pin.revision;
      if (named === revision || (named === null && text === asked)) return found;
    } catch (error) {
      context.signal.throwIfAborted();
      failure ??= error;
    }
  }
  throw new AxonError(
    'NO_SOURCE',
    `${source.hub}/${source.id} does not give ${revision ?? 'the same'} any more. \`axon install\` with --force brings what there is now.`,
    { cause: failure },
  );
}

/** Rule 3. */
async function putBack(
  file: ManifestFile,
  from: string,
  dir: string,
  context: Context,
): Promise<void> {
  const fresh = path.join(from, file.path);
  const { sha256, size } = await hashFile(fresh, null, context.signal);
  if (sha256 !== file.sha256 || size !== file.size)
    throw new AxonError(
      'CHECKSUM_MISMATCH',
      `${file.path} came again with other bytes than the manifest states. It stays as it was.`,
    );
  await storeBlobs(context).adopt(fresh, sha256, context.signal);
  const target = path.join(dir, file.path);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.renameSync(fresh, target);
  syncPath(path.dirname(target));
}
