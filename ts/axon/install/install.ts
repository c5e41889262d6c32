import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import { productVersion } from '../../protocol/version.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { HubSpec, PackageSource, Pin } from '../hubs/hub.ts';
import { parseSpec } from '../hubs/registry.ts';
import { manifestText } from '../package/compose.ts';
import { requireInnerData } from '../package/inner-data.ts';
import { readSignature } from '../package/manifest-file.ts';
import { refuseUnsigned, trustOf } from '../package/trust.ts';
import { hashesOf, isInstalled, readManifest, readManifestText } from '../store/catalog.ts';
import { manifestName, signatureName } from '../store/layout.ts';
import { acquireLock } from '../store/lock.ts';
import { type Asked, type Brought, isPinned, writeMetadata } from '../store/metadata.ts';
import { Staging } from '../store/staging.ts';
import { syncPath } from '../store/sync.ts';
import { takeOver } from '../store/take-over.ts';
import { dropUnused } from '../store/unused.ts';
import { broughtFrom, claimedBy, taken, warnOfName, whereFrom } from './brought.ts';
import { requireSameChoice, warnOfChoice } from './choice-flags.ts';
import { dryRun } from './dry-run.ts';
import { rememberUse, requireFirstUse, unstatedOf } from './first-use.ts';
import { gatherFiles } from './gather.ts';
import { choiceOf, type InstallOptions, type InstallResult } from './options.ts';
import { admitPackage } from './package-rule.ts';
import { idOf, renamed, resultOf } from './result.ts';
import { findTwin, storeBlobs, takeStored, takeWhole } from './reuse.ts';
import { lockSource } from './source-lock.ts';

const lockWaitMs = 30 * 60_000;

/*
 * parse → (already here?) → lock the model → resolve → lock the source → take from the store, else fetch →
 * manifest → rename into place.
 * Until the rename nothing is visible; whatever ends before it leaves only parts that the next install
 * of the same model goes on with.
 */
export function install(
  text: string,
  options: InstallOptions,
  context: Context,
): Promise<InstallResult> {
  const spec = parseSpec(text, context);
  const asked: Asked = { source: spec.noted ?? text, choice: choiceOf(options) };
  return installSpec(spec, options, context, asked);
}

/** `onlyManifest`: the sha256 of the one manifest that counts; with another one nothing is installed. */
export async function installSpec(
  spec: HubSpec,
  options: InstallOptions,
  context: Context,
  asked: Asked | null = null,
  onlyManifest: string | null = null,
): Promise<InstallResult> {
  const id = options.as ?? spec.id;
  const look = () =>
    options.force || options.replace || spec.origin.hub === 'file'
      ? null
      : alreadyInstalled(spec, id, options, context);
  if (options.dryRun) return dryRun(await spec.resolve(context), id, options, context);
  const before = look();
  if (before !== null) return before;
  await takeOver(context.layout);
  return locked(id, context, async ({ staging, assertHeld }) => {
    const found = look();
    if (found !== null) {
      staging.discard();
      return found;
    }
    const source = await spec.resolve(context);
    const from = broughtFrom(source);
    const held: Held = { staging, assertHeld, asked, from, onlyManifest };
    const sourceLock = await lockSource(source.pin, lockWaitMs, context);
    const freeSource = () => sourceLock?.release();
    try {
      staging.keepFor(JSON.stringify(source.pin));
      if (source.kind === 'package')
        return await fromPackage(source, id, options, context, held, freeSource);
      const manifest =
        (await fromTwin(source.pin, id, options, context, held)) ??
        (await gatherFiles(source, id, options, staging, context));
      return await commit(manifestText(manifest), id, options, context, held);
    } finally {
      freeSource();
    }
  });
}

/** The same as another installed package, under another name: nothing is fetched. */
async function fromTwin(
  pin: Pin,
  id: ModelId,
  options: InstallOptions,
  context: Context,
  { staging, asked }: Held,
): Promise<Manifest | null> {
  const twin = options.force || asked === null ? null : findTwin(pin, asked, context);
  if (twin === null) return null;
  if (await takeWhole(twin, staging.package, context)) return renamed(twin, id);
  staging.empty();
  return null;
}

async function locked<T>(
  id: ModelId,
  context: Context,
  work: (held: Pick<Held, 'staging' | 'assertHeld'>) => Promise<T>,
): Promise<T> {
  const { layout, output, signal } = context;
  const lock = await acquireLock(layout.lockName(id), {
    waitMs: lockWaitMs,
    signal,
    onWait: () => output.note(`Another axon installs ${formatModelId(id)}; waiting for it.`),
  });
  const staging = new Staging(layout, id);
  try {
    staging.open();
    return await work({ staging, assertHeld: () => lock.assertHeld() });
  } catch (error) {
    staging.abandon(error);
    throw error;
  } finally {
    lock.release();
  }
}

interface Held {
  readonly staging: Staging;
  readonly asked: Asked | null;
  readonly from: Brought;
  readonly onlyManifest: string | null;
  /** The manifest of a package, as it came. */
  readonly came?: string;
  assertHeld(): void;
}

/** Null for a package from there, too: only what is in it says whether it is the same. */
function alreadyInstalled(
  spec: HubSpec,
  id: ModelId,
  options: InstallOptions,
  context: Context,
): InstallResult | null {
  const { layout } = context;
  if (!isInstalled(layout, id)) return null;
  const dir = layout.packageDir(id);
  const manifest = readManifest(dir);
  const from = whereFrom(dir, manifest, context) ?? claimedBy(manifest);
  if (from?.hub !== spec.origin.hub || from.id !== spec.origin.id)
    throw taken(id, dir, manifest, context);
  if (from.kind === 'package') return null;
  requireSameChoice(manifest, dir, options);
  return resultOf('already-installed', manifest, dir, from);
}

/**
 * A package keeps its name unless --as gives it another, so the model that it becomes may be another
 * than the one that is locked: that one is locked as well then.
 */
async function fromPackage(
  source: PackageSource,
  id: ModelId,
  options: InstallOptions,
  context: Context,
  held: Held,
  freeSource: () => void,
): Promise<InstallResult> {
  const { staging } = held;
  warnOfChoice(source, options, context.output);
  const before = (await source.manifest?.()) ?? null;
  if (before !== null && !options.force && !options.replace) {
    const own = options.as ?? idOf(parseManifest(before));
    const there = installedAs(textAs(before, parseManifest(before), options), own, context);
    if (there !== null) {
      staging.discard();
      return there;
    }
  }
  const { manifest, text } = await source.unpack(
    staging.package,
    staging.download,
    options.force ? null : takeStored(context),
  );
  requireInnerData(staging.package, manifest);
  admitPackage(staging.package, manifest, source, options);
  const signature = readSignature(staging.package);
  trustOf(formatModelId(manifest.metadata), text, signature, context);
  const own = options.as ?? idOf(manifest);
  const final = textAs(text, manifest, options);
  // Under another name it is another manifest, which nobody signed.
  if (final !== text) fs.rmSync(path.join(staging.package, signatureName), { force: true });
  const unpacked = { ...held, came: text };
  if (formatModelId(own) === formatModelId(id))
    return commit(final, own, options, context, unpacked);
  // Who holds the other model's lock may wait for the source: it is let go first, with the files in the store.
  await adopt(manifest, staging.package, context);
  freeSource();
  const done = await locked(own, context, async (target) => {
    fs.rmSync(target.staging.package, { recursive: true });
    fs.renameSync(staging.package, target.staging.package);
    return commit(final, own, options, context, { ...unpacked, ...target });
  }).finally(() =>
    dropUnused(context.layout, hashesIn(manifest), (warning) => context.output.warn(warning)),
  );
  staging.discard();
  return done;
}

/** Makes the files of a package those of the store. */
async function adopt({ spec }: Manifest, dir: string, context: Context): Promise<void> {
  const blobs = storeBlobs(context);
  for (const { path: name, sha256 } of spec.format.files)
    await blobs.adopt(path.join(dir, name), sha256, context.signal);
}

const hashesIn = ({ spec }: Manifest) => spec.format.files.map(({ sha256 }) => sha256);

/** The manifest as it came, byte for byte, unless --as gives the model another name. */
function textAs(text: string, manifest: Manifest, { as }: InstallOptions): string {
  const isSame = as === null || formatModelId(as) === formatModelId(manifest.metadata);
  return isSame ? text : manifestText(renamed(manifest, as));
}

/** What is installed under the id, if it is the very same package. */
function installedAs(text: string, id: ModelId, context: Context): InstallResult | null {
  const { layout } = context;
  if (!isInstalled(layout, id)) return null;
  const dir = layout.packageDir(id);
  if (readManifestText(dir) !== text) throw taken(id, dir, readManifest(dir), context);
  const manifest = parseManifest(text);
  return resultOf('already-installed', manifest, dir, whereFrom(dir, manifest, context));
}

async function commit(
  text: string,
  id: ModelId,
  options: InstallOptions,
  context: Context,
  { staging, asked, from, onlyManifest, came, assertHeld }: Held,
): Promise<InstallResult> {
  const { layout } = context;
  const manifest = parseManifest(text);
  const hash = createHash('sha256').update(text).digest('hex');
  if (onlyManifest !== null && hash !== onlyManifest) {
    staging.discard();
    throw new AxonError(
      'NO_SOURCE',
      `What was installed as ${formatModelId(id)} is not what its source gives now. \`axon install\` with --force brings what there is now.`,
    );
  }
  const target = layout.packageDir(id);
  const isThere = isInstalled(layout, id);
  if (isThere && !options.force && !options.replace) {
    staging.discard();
    const same = installedAs(text, id, context);
    if (same !== null) return same;
  }
  if (isThere) refuseUnsigned(formatModelId(id), [target, staging.package], context);
  const unstated = unstatedOf(from, manifest, came);
  requireFirstUse(from, unstated, options, context);
  await adopt(manifest, staging.package, context);
  fs.writeFileSync(path.join(staging.package, manifestName), text);
  for (const name of [manifestName, signatureName])
    if (fs.existsSync(path.join(staging.package, name))) syncPath(path.join(staging.package, name));
  writeMetadata(staging.package, {
    installed_at: new Date().toISOString(),
    ...id,
    axon_version: productVersion,
    manifest_sha256: hash,
    ...(asked === null ? {} : { asked }),
    from,
    ...(isThere && isPinned(target) ? { pinned: true } : {}),
  });
  const former = isThere ? hashesOf(target) : [];
  assertHeld();
  staging.commit();
  rememberUse(from, unstated, context);
  dropUnused(layout, former, (warning) => context.output.warn(warning));
  if (options.as === null) warnOfName(id, from, context);
  return resultOf('installed', manifest, target, from);
}
