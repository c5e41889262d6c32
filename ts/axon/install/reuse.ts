import fs from 'node:fs';
import path from 'node:path';
import type { Manifest, ManifestFile } from '../../protocol/manifest.ts';
import { productVersion } from '../../protocol/version.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { verifiedBy } from '../download/verified-by.ts';
import type { HubFile, Pin, TakeStored } from '../hubs/hub.ts';
import { Blobs } from '../store/blobs.ts';
import { listInstalled, readManifest, readManifestText } from '../store/catalog.ts';
import { HashIndex } from '../store/hash-index.ts';
import { type Asked, readMetadata } from '../store/metadata.ts';
import { type OnUnreadable, warnOfUnreadable } from '../store/unreadable.ts';
import { whereFrom } from './brought.ts';

/*
 * What the store has already is not fetched.
 * 1. A file whose hash the source states is known by that hash, whichever source it came from before.
 *    So is a file of an archive whose own hash is that of one that came before.
 * 2. A file without one is known when the same immutable revision of the same source is installed.
 * 3. The same revision with the same choice of files is the same package: nothing need be listed either.
 * Everything taken is hashed on the way, against what this source states, too.
 */
export function storeBlobs({ layout, output }: Context): Blobs {
  return new Blobs(layout, (sha256) =>
    output.warn(
      `A stored file (sha256 ${sha256}) is damaged and is not used. \`axon verify\` says which models hold it, \`axon install\` with --force brings them again.`,
    ),
  );
}

/** Puts the planned files that the store has below `into`; the others are left to be fetched. */
export async function takeFromStore(
  files: readonly HubFile[],
  pin: Pin,
  into: string,
  context: Context,
): Promise<{ readonly taken: readonly ManifestFile[]; readonly left: readonly HubFile[] }> {
  const known = await knownFiles(files, pin, context);
  const blobs = storeBlobs(context);
  const taken: ManifestFile[] = [];
  const left: HubFile[] = [];
  for (const file of files) {
    const before = known(file);
    const blob =
      before === null
        ? null
        : await blobs.take(
            before.sha256,
            path.join(into, file.path),
            file.expected,
            context.signal,
          );
    const isRight = blob?.mismatch === null && blob.size === (file.size ?? blob.size);
    if (before === null || !isRight) left.push(file);
    else taken.push({ path: file.path, size: blob.size, ...before });
  }
  return { taken, left };
}

/** So that the files are recognised by the hashes that their source states. */
export function rememberHashes(
  planned: readonly HubFile[],
  fetched: readonly ManifestFile[],
  { layout }: Context,
): void {
  const sha256Of = new Map(fetched.map(({ path: name, sha256 }) => [name, sha256]));
  new HashIndex(layout).add(
    planned.flatMap(({ path: name, expected }) => {
      const sha256 = sha256Of.get(name);
      return expected === null || sha256 === undefined ? [] : [{ hash: expected, sha256 }];
    }),
  );
}

type Known = Pick<ManifestFile, 'sha256' | 'verified_by'>;

async function knownFiles(
  files: readonly HubFile[],
  pin: Pin,
  context: Context,
): Promise<(file: HubFile) => Known | null> {
  const stated = files.flatMap(({ expected }) => (expected === null ? [] : [expected]));
  const byHash = await new HashIndex(context.layout).find(stated);
  const sha256Of = ({ expected, known }: HubFile) => {
    if (known !== undefined || expected === null) return known?.sha256 ?? null;
    return expected.algorithm === 'sha256' ? expected.hex : byHash(expected);
  };
  const isSilent = files.some((file) => sha256Of(file) === null);
  const byName = isSilent ? pinnedFiles(pin, context) : new Map<string, ManifestFile>();
  return (file) => {
    const sha256 = sha256Of(file); // Rule 1
    if (sha256 !== null)
      return { sha256, verified_by: file.known?.verified_by ?? verifiedBy(file.expected) };
    const before = byName.get(file.path); // Rule 2
    if (before === undefined) return null;
    const { sha256: same, verified_by } = before;
    return { sha256: same, verified_by: file.expected ? verifiedBy(file.expected) : verified_by };
  };
}

function pinnedFiles(pin: Pin, context: Context): ReadonlyMap<string, ManifestFile> {
  return new Map(
    packagesOf(pin, context).flatMap(({ manifest }) =>
      manifest.spec.format.files.map((file) => [file.path, file] as const),
    ),
  );
}

/** What axon itself brought from the very same revision. */
function packagesOf(
  pin: Pin,
  context: Context,
): { readonly dir: string; readonly manifest: Manifest }[] {
  const { layout, output } = context;
  const { hub, id, revision } = pin;
  if (revision === null) return [];
  const onUnreadable = warnOfUnreadable(output);
  return listInstalled(layout, onUnreadable).flatMap(({ dir }) =>
    unlessDamaged<{ dir: string; manifest: Manifest }[]>(dir, [], onUnreadable, () => {
      // Parsing is what costs; most packages do not even hold the word.
      if (!readManifestText(dir).includes(revision)) return [];
      const manifest = readManifest(dir);
      const from = whereFrom(dir, manifest, context);
      const isSame = from?.hub === hub && from.id === id && from.revision === revision;
      return isSame && from.kind === 'files' ? [{ dir, manifest }] : [];
    }),
  );
}

/** Nothing is taken from a package that is damaged. It is told, unless it was removed just now. */
function unlessDamaged<T>(dir: string, none: T, onUnreadable: OnUnreadable, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') onUnreadable({ path: dir, error: AxonError.from(error) });
    return none;
  }
}

/** Rule 3: an installed package that another install of the same would be equal to. */
export function findTwin(pin: Pin, asked: Asked, context: Context): Manifest | null {
  const choice = JSON.stringify(asked.choice);
  const onUnreadable = warnOfUnreadable(context.output);
  const twin = packagesOf(pin, context).find(({ dir }) => {
    const metadata = unlessDamaged(dir, null, onUnreadable, () => readMetadata(dir));
    // Another axon may choose, or read a model's inputs, in another way.
    return (
      metadata?.axon_version === productVersion && JSON.stringify(metadata.asked?.choice) === choice
    );
  });
  return twin?.manifest ?? null;
}

/** Puts all files of a manifest below `into`, or says that the store does not have them all. */
export async function takeWhole(
  manifest: Manifest,
  into: string,
  context: Context,
): Promise<boolean> {
  const stored = takeStored(context);
  for (const file of manifest.spec.format.files)
    if (!(await stored(file, path.join(into, file.path)))) return false;
  return true;
}

/** What sources of packages ask before they fetch. */
export function takeStored(context: Context): TakeStored {
  const blobs = storeBlobs(context);
  return async ({ sha256, size }, dest) => {
    const blob = await blobs.take(sha256, dest, null, context.signal);
    if (blob?.size === size) return true;
    if (blob !== null) fs.rmSync(dest);
    return false;
  };
}
