import fs from 'node:fs';
import path from 'node:path';
import type { Manifest, ManifestFile } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { hashFile } from '../download/fetch-file.ts';
import type { Source } from '../hubs/hub.ts';
import { parseSpec } from '../hubs/registry.ts';
import { claimedBy, whereFrom } from '../install/brought.ts';
import { storeBlobs, takeStored } from '../install/reuse.ts';
import { bringAgain } from '../store/bring-again.ts';
import { type Installed, readManifest } from '../store/catalog.ts';
import { acquireLock } from '../store/lock.ts';
import { type Brought, readMetadata } from '../store/metadata.ts';
import { Staging } from '../store/staging.ts';
import { syncPath } from '../store/sync.ts';
import { makeWay } from './make-way.ts';

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

/** Rule 2: as the user named the model, else as its source names that revision. */
async function sameSource(manifest: Manifest, dir: string, context: Context): Promise<Source> {
  const places = placesOf(manifest, dir, context);
  const [first] = places.filter(({ hub }) => hub !== 'file');
  if (first === undefined)
    throw new AxonError(
      'NO_SOURCE',
      `${formatModelId(manifest.metadata)} comes from a file of this machine. ${bringAgain(dir)}`,
    );
  let failure: unknown = null;
  for (const { text, revision } of places) {
    if (text === null) continue;
    try {
      const found = await parseSpec(text, context).resolve(context);
      if (found.pin.revision === null || found.pin.revision === revision) return found;
    } catch (error) {
      context.signal.throwIfAborted();
      failure ??= error;
    }
  }
  throw new AxonError(
    'NO_SOURCE',
    `${first.hub}/${first.id} does not give ${first.revision ?? 'the same'} any more. To have what there is now: ${bringAgain(dir)}`,
    { cause: failure },
  );
}

interface Place {
  readonly hub: string;
  readonly id: string;
  readonly revision: string | null;
  /** What names it; null where nothing does. */
  readonly text: string | null;
}

/** Where it was brought from, and, of a package, what its manifest says: the bytes are compared in any case. */
function placesOf(manifest: Manifest, dir: string, context: Context): Place[] {
  const asked = readMetadata(dir)?.asked?.source ?? null;
  const from = whereFrom(dir, manifest, context);
  const claimed = claimedBy(manifest);
  const pinned = ({ hub, id, revision }: Brought): Place => ({
    hub,
    id,
    revision,
    text: revision === null || hub === 'file' ? null : `${hub}/${id}@${revision}`,
  });
  return [
    ...(from === null ? [] : [{ ...pinned(from), text: asked }, pinned(from)]),
    ...(claimed === null ? [] : [pinned(claimed)]),
  ];
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
  makeWay(target);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.renameSync(fresh, target);
  syncPath(path.dirname(target));
}
