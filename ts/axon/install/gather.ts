import fs from 'node:fs';
import path from 'node:path';
import type { Manifest, ManifestFile } from '../../protocol/manifest.ts';
import type { ModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { filesNamedBy } from '../formats/read-facts.ts';
import { refuseImposter } from '../formats/sniff.ts';
import type { FileSource, HubFile } from '../hubs/hub.ts';
import { licenseFile } from '../hubs/license-file.ts';
import { composeManifest } from '../package/compose.ts';
import { NameGuard } from '../package/names.ts';
import { formatCount } from '../render/format.ts';
import { type Selection, selectFiles } from '../selection/select.ts';
import { requireSpace } from '../store/space.ts';
import type { Staging } from '../store/staging.ts';
import { leaveOutPrograms } from './code-rule.ts';
import { type InstallOptions, sum } from './options.ts';
import { checkPickles } from './pickle-rule.ts';
import { rememberHashes, takeFromStore } from './reuse.ts';

interface Planned extends Selection {
  readonly all: readonly HubFile[];
}

function labelOf({ pin }: FileSource): string {
  return `${pin.hub}/${pin.id}`;
}

/** What the source has and which of it is taken; every name is checked before anything uses it. */
export async function planFiles(
  source: FileSource,
  options: InstallOptions,
  work: string,
): Promise<Planned> {
  const all = await source.plan(work);
  const selection = selectFiles(all, options, {
    label: labelOf(source),
    tags: source.describe().tags ?? [],
  });
  const guard = new NameGuard(labelOf(source));
  for (const file of selection.files) guard.add(file.path, file.size);
  return { ...selection, all };
}

/** Brings the files into the staging folder and makes the manifest. */
export async function gatherFiles(
  source: FileSource,
  id: ModelId,
  options: InstallOptions,
  staging: Staging,
  context: Context,
): Promise<Manifest> {
  const plan = await planFiles(source, options, staging.download);
  const { all, format, run } = plan;
  const { revision } = source.pin;
  context.output.note(
    `Taking ${plan.files.length} of ${formatCount(all.length, 'file')} from ${labelOf(source)}${revision === null ? '' : ` at ${revision}`}.`,
  );
  const into = staging.arrived;
  fs.mkdirSync(into, { recursive: true });
  const bring = (wanted: readonly HubFile[]) =>
    bringFiles(source, wanted, { into, work: staging.download, anew: options.force }, context);
  const brought = [...(await bring(plan.files))];
  // Only the model itself says for certain which data files it needs.
  const here = new Set(brought.map((file) => file.path));
  const named = filesNamedBy(format, into, run, [...here]);
  const missing = named.filter((name) => !here.has(name));
  brought.push(...(await bring(findAll(missing, all, source))));
  const { files, selection } = leaveOutPrograms(
    { root: into, files: brought, needed: new Set([...run, ...named]), label: labelOf(source) },
    plan,
    options,
    context,
  );
  const pickle = checkPickles(into, files, options, {
    label: labelOf(source),
    leftOut: selection.leftOut,
  });
  moveInto(staging.package, into, files);
  return composeManifest({
    id,
    pin: source.pin,
    description: source.describe(),
    selection,
    files,
    licenseFile: licenseFile(all),
    pickle,
    root: staging.package,
  });
}

function findAll(names: readonly string[], all: readonly HubFile[], source: FileSource): HubFile[] {
  const guard = new NameGuard(labelOf(source));
  return names.map((name) => {
    guard.add(name, null);
    const file = all.find((candidate) => candidate.path === name);
    if (file !== undefined) return file;
    throw new AxonError(
      'INVALID_PACKAGE',
      `The model needs the data file ${JSON.stringify(name)}, which ${labelOf(source)} does not have. Nothing was installed.`,
    );
  });
}

interface Places {
  readonly into: string;
  readonly work: string;
  /** Nothing is taken from the store. */
  readonly anew: boolean;
}

/** From the store what it has, from the source the rest. */
async function bringFiles(
  source: FileSource,
  files: readonly HubFile[],
  { into, work, anew }: Places,
  context: Context,
): Promise<readonly ManifestFile[]> {
  const { taken, left } = anew
    ? { taken: [], left: files }
    : await takeFromStore(files, source.pin, into, context);
  if (taken.length > 0)
    context.output.note(`${taken.length} of these files are in the store already.`);
  if (left.length === 0) return taken;
  requireSpace(into, sum(left));
  const fetched = await source.fetch(left, into, work);
  for (const { path: name } of fetched) refuseImposter(path.join(into, name), name);
  rememberHashes(left, fetched, context);
  return [...taken, ...fetched];
}

function moveInto(target: string, from: string, files: readonly ManifestFile[]): void {
  for (const { path: name } of files) {
    const full = path.join(target, name);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.renameSync(path.join(from, name), full);
  }
}
