import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import type { Context } from '../context.ts';
import { isCode } from '../formats/code-files.ts';
import { isPickleName } from '../formats/torch/pickle-names.ts';
import type { PackageSource } from '../hubs/hub.ts';
import { NameGuard } from '../package/names.ts';
import { isInstalled } from '../store/catalog.ts';
import { broughtFrom } from './brought.ts';
import { warnOfChoice } from './choice-flags.ts';
import type { InstallOptions, InstallResult } from './options.ts';
import { idOf, renamed, resultOf } from './result.ts';

/** A package's manifest, where the names in it could be installed; of its files nothing is fetched. */
export async function manifestOf(source: PackageSource): Promise<Manifest> {
  const { id } = source.pin;
  const text = (await source.manifest?.()) ?? (await source.peek?.()) ?? null;
  if (text === null) throw new Error(`the manifest of ${id} is nowhere to be seen`);
  const manifest = parseManifest(text, id);
  const guard = new NameGuard(id);
  for (const file of manifest.spec.format.files) guard.add(file.path, file.size);
  return manifest;
}

/** Which of the files come with a flag only, or may do so, as far as their names tell. */
export function needsOf({ spec }: Manifest): NonNullable<InstallResult['may_need']> {
  const names = spec.format.files.map((file) => file.path);
  return { allow_pickle: names.filter(isPickleName), allow_code: names.filter(isCode) };
}

/** What would come as its manifest states it: whether that is true shows when the files are here. */
export async function dryRunPackage(
  source: PackageSource,
  options: InstallOptions,
  { layout, output }: Context,
): Promise<InstallResult> {
  warnOfChoice(source, options, output);
  const manifest = renamed(await manifestOf(source), options.as);
  const { metadata, spec } = manifest;
  const id = idOf(manifest);
  return {
    ...resultOf('would-install', manifest, layout.packageDir(id), broughtFrom(source)),
    source: source.pin,
    is_there: isInstalled(layout, id),
    license: metadata.license ?? 'unknown',
    format: spec.format.type,
    may_need: needsOf(manifest),
  };
}
