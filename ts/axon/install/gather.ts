import fs from 'node:fs';
import path from 'node:path';
import type { Manifest, ManifestFile } from '../../protocol/manifest.ts';
import type { ModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { filesNamedBy } from '../formats/read-facts.ts';
import { refuseImposter } from '../formats/sniff.ts';
import type { FileSource, HubFile } from '../hubs/hub.ts';
import { composeManifest } from '../package/compose.ts';
import { NameGuard } from '../package/names.ts';
import { type Selection, selectFiles } from '../selection/select.ts';
import { requireSpace } from '../store/space.ts';
import type { Staging } from '../store/staging.ts';
import { type InstallOptions, sum } from './options.ts';
import { checkPickles } from './pickle-rule.ts';

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
  { output }: Context,
): Promise<Manifest> {
  const plan = await planFiles(source, options, staging.download);
  const { all, format, run } = plan;
  requireSpace(staging.package, sum(plan.files));
  output.note(
    `Fetching ${plan.files.length} of ${all.length} files from ${labelOf(source)}${source.pin.revision === null ? '' : ` at ${source.pin.revision}`}.`,
  );
  const into = path.join(staging.download, 'files');
  fs.mkdirSync(into, { recursive: true });
  const files = [...(await fetchChecked(source, plan.files, into, staging.download))];
  // Only the model itself says for certain which data files it needs.
  const here = new Set(files.map((file) => file.path));
  const missing = filesNamedBy(format, into, run, [...here]).filter((name) => !here.has(name));
  files.push(
    ...(await fetchChecked(source, findAll(missing, all, source), into, staging.download)),
  );
  const pickle = checkPickles(into, files, options, plan, labelOf(source));
  moveInto(staging.package, into, files);
  return composeManifest({
    id,
    pin: source.pin,
    description: source.describe(),
    selection: plan,
    files,
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

async function fetchChecked(
  source: FileSource,
  files: readonly HubFile[],
  into: string,
  work: string,
): Promise<readonly ManifestFile[]> {
  if (files.length === 0) return [];
  const fetched = await source.fetch(files, into, work);
  for (const { path: name } of fetched) refuseImposter(path.join(into, name), name);
  return fetched;
}

function moveInto(target: string, from: string, files: readonly ManifestFile[]): void {
  for (const { path: name } of files) {
    const full = path.join(target, name);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.renameSync(path.join(from, name), full);
  }
}
