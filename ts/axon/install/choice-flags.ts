import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { PackageSource } from '../hubs/hub.ts';
import type { Output } from '../render/output.ts';
import { isVariant } from '../selection/choose.ts';
import type { SelectOptions } from '../selection/select.ts';
import { readMetadata } from '../store/metadata.ts';
import { type InstallOptions, optionsOf } from './options.ts';

/**
 * Flags that choose files mean nothing where the model is there already, so they have to mean what is there:
 * the choice of then, or a format and variant that it led to. Who gives none of them takes what is there.
 */
export function requireSameChoice(manifest: Manifest, dir: string, options: SelectOptions): void {
  const asked = flagsOf(options);
  if (asked.length === 0) return;
  const noted = readMetadata(dir)?.asked?.choice;
  const before = noted === undefined ? null : optionsOf(noted);
  if (before !== null && isSameSet(asked, flagsOf(before))) return;
  const isByName = [options, before].every((one) => one === null || isByFormat(one));
  if (isByName && fits(manifest, options)) return;
  const chosen =
    before === null ? 'it is not known which' : flagsOf(before).join(' ') || 'the usual one';
  throw new AxonError(
    'ALREADY_EXISTS',
    `${formatModelId(manifest.metadata)} is already installed with another choice of files (${chosen}) than ${asked.join(' ')}. Install this one under another name with --as, or in its place with --force.`,
  );
}

/** A package has no choice of files. */
export function warnOfChoice(
  { pin }: PackageSource,
  options: InstallOptions,
  output: Output,
): void {
  const flags = options.replace ? [] : flagsOf({ ...options, allowCode: false });
  if (flags.length > 0)
    output.warn(`${pin.id} is a package, which comes whole: ${flags.join(' ')} chooses nothing.`);
}

function flagsOf({ all, include, exclude, format, variant, allowCode }: SelectOptions): string[] {
  return [
    ...(all ? ['--all'] : []),
    ...include.map((glob) => `--include ${JSON.stringify(glob)}`),
    ...exclude.map((glob) => `--exclude ${JSON.stringify(glob)}`),
    ...(format === null ? [] : [`--format ${format}`]),
    ...(variant === null ? [] : [`--variant ${variant}`]),
    ...(allowCode ? ['--allow-code'] : []),
  ];
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return [...new Set(one)].sort().join('\n') === [...new Set(other)].sort().join('\n');
}

function isByFormat({ all, include, exclude, allowCode }: SelectOptions): boolean {
  return !all && !allowCode && include.length + exclude.length === 0;
}

function fits({ distribution }: Manifest, { format, variant }: SelectOptions): boolean {
  const chosen = distribution?.selection;
  return (
    chosen !== undefined &&
    (format === null || chosen.format === format) &&
    (variant === null || isVariant(variant, chosen.variant))
  );
}
