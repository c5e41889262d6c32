import { AxonError } from '../axon-error.ts';
import type { HubFile } from '../hubs/hub.ts';
import { type Candidate, candidatesOf } from './candidates.ts';
import { type Format, folderOf, formatNames, formatOf, isSideFile } from './file-kinds.ts';
import { matchesAny } from './glob.ts';

/*
 * Which files of a source are taken. Deterministic; each step can be decided by a flag.
 * 1. --exclude takes away. --include takes exactly what matches, and nothing is guessed.
 * 2. Else one format: --format, or the first of the list of formats that is there whole.
 * 3. Of it one variant: --variant, or the only one that the rules of the format leave.
 * 4. With it the data beside it, configuration, tokenizer and licence from its folder and the top.
 * Where several are left, the error lists them: a wrong guess would be worse.
 */
export interface SelectOptions {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly format: Format | null;
  readonly variant: string | null;
}

export interface Selection {
  readonly files: readonly HubFile[];
  readonly format: Format;
  readonly run: readonly string[];
}

export function selectFiles(
  all: readonly HubFile[],
  options: SelectOptions,
  source: string,
): Selection {
  const { include, exclude } = options;
  const left = all.filter((file) => !matchesAny(file.path, exclude));
  const eligible =
    include.length === 0 ? left : left.filter((file) => matchesAny(file.path, include));
  if (include.length > 0 && eligible.length === 0)
    throw new AxonError(
      'NO_MODEL',
      `No file of ${source} matches --include ${include.join(' --include ')}. It has: ${few(left.map((f) => f.path))}.`,
    );
  const chosen = choose(eligible, options, source);
  const { format, run, needs } = chosen;
  if (include.length > 0) return { files: eligible, format, run };
  const wanted = new Set([...run, ...needs]);
  const folders = new Set(['', ...run.map(folderOf)]);
  const files = eligible.filter(
    ({ path }) => wanted.has(path) || (isSideFile(path) && folders.has(folderOf(path))),
  );
  return { files, format, run };
}

function choose(files: readonly HubFile[], options: SelectOptions, source: string): Candidate {
  const paths = files.map((file) => file.path).sort();
  const candidates = candidatesOf(paths);
  const present = formatNames.filter((format) => paths.some((path) => formatOf(path) === format));
  const format =
    options.format ?? formatNames.find((name) => candidates.some((c) => c.format === name));
  const ofFormat = candidates.filter((candidate) => candidate.format === format);
  if (format === undefined || ofFormat.length === 0) throw noModel(source, options, present, paths);
  const fitting =
    options.variant === null
      ? plain(ofFormat)
      : ofFormat.filter((c) => c.variant.toLowerCase() === options.variant?.toLowerCase());
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  throw ambiguous(source, fitting.length === 0 ? ofFormat : fitting, options);
}

const ggufOrder = ['q4_k_m', 'q4_k_s', 'q4_0'];

/** Without --variant: the plain one, or the usual quantisation of GGUF. */
function plain(candidates: readonly Candidate[]): readonly Candidate[] {
  const unnamed = candidates.filter((candidate) => candidate.variant === '');
  if (unnamed.length > 0) return unnamed;
  for (const usual of ggufOrder) {
    const match = candidates.filter(
      (c) => c.format === 'gguf' && c.variant.toLowerCase() === usual,
    );
    if (match.length > 0) return match;
  }
  return candidates;
}

function noModel(
  source: string,
  options: SelectOptions,
  present: readonly Format[],
  paths: readonly string[],
): AxonError {
  if (present.length > 0 && options.format !== null)
    return new AxonError(
      'NO_MODEL',
      `${source} has no ${options.format} model; it has: ${present.join(', ')}.`,
    );
  if (present.length > 0)
    return new AxonError(
      'NO_MODEL',
      `${source} has only an incomplete ${present[0]} model: parts are missing.`,
    );
  return new AxonError(
    'NO_MODEL',
    `${source} holds no model file of a known format (${formatNames.join(', ')}). It has: ${few(paths)}.`,
  );
}

function ambiguous(
  source: string,
  candidates: readonly Candidate[],
  options: SelectOptions,
): AxonError {
  const names = candidates.map((c) => ({ variant: c.variant, files: c.run }));
  const variants = new Set(candidates.map((c) => c.variant));
  const flag =
    variants.size === candidates.length && !variants.has('')
      ? `--variant <${[...variants].slice(0, 8).join('|')}>`
      : "--include '<file>'";
  const what = options.variant === null ? 'several models' : `no single variant ${options.variant}`;
  return new AxonError(
    'AMBIGUOUS',
    `${source} holds ${what}: ${few(candidates.map((c) => c.run.join(' + ')))}. Choose one with ${flag}.`,
    { details: { candidates: names.slice(0, 100) } },
  );
}

function few(names: readonly string[]): string {
  return (
    names.slice(0, 12).join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '')
  );
}
