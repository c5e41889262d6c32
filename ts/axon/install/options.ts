import { type ModelId, parseModelId } from '../../protocol/model-id.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import { AxonError } from '../axon-error.ts';
import { type Format, formatNames, isFormat } from '../formats/file-kinds.ts';
import type { LeftOut } from '../selection/left-out.ts';
import type { SelectOptions } from '../selection/select.ts';

export interface InstallOptions extends SelectOptions {
  readonly as: ModelId | null;
  readonly force: boolean;
  /** Another revision takes the place of what is installed; what both have is kept. */
  readonly replace: boolean;
  readonly dryRun: boolean;
  readonly allowPickle: boolean;
}

/** The flags as commander gives them. */
export interface InstallFlags {
  readonly as?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly all?: boolean;
  readonly format?: string;
  readonly variant?: string;
  readonly allowPickle?: boolean;
  readonly allowCode?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function readInstallFlags(flags: InstallFlags): InstallOptions {
  if (flags.all === true && flags.include !== undefined)
    throw new AxonError('USAGE', '--all takes everything; leave it out, or leave out --include.');
  return {
    as: flags.as === undefined ? null : parseModelId(flags.as),
    include: flags.include ?? [],
    exclude: flags.exclude ?? [],
    all: flags.all === true,
    format: readFormat(flags.format),
    variant: flags.variant ?? null,
    allowPickle: flags.allowPickle === true,
    allowCode: flags.allowCode === true,
    force: flags.force === true,
    replace: false,
    dryRun: flags.dryRun === true,
  };
}

function readFormat(text: string | undefined): Format | null {
  if (text === undefined || text === 'auto') return null;
  if (isFormat(text)) return text;
  throw new AxonError(
    'USAGE',
    `Unknown format ${JSON.stringify(text)}.${didYouMean(text, formatNames)} Known: auto, ${formatNames.join(', ')}.`,
  );
}

interface Place {
  readonly hub: string;
  readonly id: string;
  readonly revision: string | null;
}

export interface InstallResult {
  readonly status: 'installed' | 'already-installed' | 'would-install';
  readonly id: string;
  readonly path: string;
  readonly source: Place | null;
  /** Of a package: what its manifest says of that. */
  readonly claimed?: Place;
  readonly files: readonly { readonly path: string; readonly size: number | null }[];
  readonly bytes: number;
  readonly license?: string;
  readonly format?: string;
  /** What runs a format that no plugin of MLOS itself runs, or what makes one of it that is run. */
  readonly hint?: string;
  /** Of a dry run: whether a model of this name is installed, which only --force replaces. */
  readonly is_there?: boolean;
  /** Of a dry run of a package: which of its files come with these flags only, or may do so, by their names. */
  readonly may_need?: {
    readonly allow_pickle: readonly string[];
    readonly allow_code: readonly string[];
  };
  /** Of a dry run: what decided, and what stays where it is. */
  readonly selection?: {
    readonly rule: string;
    readonly variant: string;
    readonly left_out: readonly LeftOut[];
    readonly left_out_bytes: number;
  };
}

export function sum(files: readonly { readonly size: number | null }[]): number {
  return files.reduce((total, file) => total + (file.size ?? 0), 0);
}

/** What of the options decides which files are taken: the same again gives the same package. */
export function choiceOf(options: InstallOptions): Readonly<Record<string, unknown>> {
  const { as: _as, force: _force, replace: _replace, dryRun: _dry, ...choice } = options;
  return choice;
}

/** The options of an earlier install, as far as what was noted then is understood. */
export function optionsOf(choice: Readonly<Record<string, unknown>>): InstallOptions {
  const texts = (value: unknown) =>
    Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? (value as readonly string[])
      : [];
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const format = text(choice['format']);
  return {
    ...readInstallFlags({
      all: choice['all'] === true,
      ...(format === undefined ? {} : { format }),
      allowPickle: choice['allowPickle'] === true,
      allowCode: choice['allowCode'] === true,
    }),
    include: texts(choice['include']),
    exclude: texts(choice['exclude']),
    variant: text(choice['variant']) ?? null,
  };
}
