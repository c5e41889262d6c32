import { AxonError } from '../axon-error.ts';
import { isCode } from '../formats/code-files.ts';
import { type Format, folderOf, isSideFile } from '../formats/file-kinds.ts';
import type { HubFile } from '../hubs/hub.ts';
import type { Candidate } from './candidate.ts';
import { candidatesOf } from './candidates.ts';
import { choose, few } from './choose.ts';
import { matchesAny } from './glob.ts';
import { explainLeftOut, type LeftOut } from './left-out.ts';
import { Listing } from './listing.ts';

/*
 * Which files of a source are taken. Deterministic; each step can be decided by a flag.
 * 1. --exclude takes away. --include takes exactly what matches; --all takes everything. Code is never
 *    taken without --allow-code.
 * 2. Else one format: --format, or the first of the list of formats that is there whole.
 * 3. Of it one variant: --variant, or the one that the rules of the format leave.
 * 4. With it the data beside it, and configuration, tokenizer and licence from its folders and the top.
 * Where several are left, the error lists them: a wrong guess would be worse.
 */
export interface SelectOptions {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly all: boolean;
  readonly allowCode: boolean;
  readonly format: Format | null;
  readonly variant: string | null;
}

export interface SourceFacts {
  /** How messages call the source. */
  readonly label: string;
  /** What the source says of itself in single words. */
  readonly tags: readonly string[];
}

export interface Selection {
  readonly files: readonly HubFile[];
  readonly format: Format;
  readonly variant: string;
  readonly run: readonly string[];
  /** What decided, in words. */
  readonly rule: string;
  readonly leftOut: readonly LeftOut[];
}

export function selectFiles(
  all: readonly HubFile[],
  options: SelectOptions,
  source: SourceFacts,
): Selection {
  const eligible = eligibleOf(all, options, source);
  const listing = new Listing(eligible.map((file) => file.path));
  const found = candidatesOf(listing);
  const byHand = options.all ? '--all: ' : options.include.length > 0 ? '--include: ' : null;
  const { candidate, rule } = choose(listing, found, options, source, byHand !== null);
  const files = byHand === null ? withSideFiles(eligible, candidate, listing) : eligible;
  const taken = new Set(files.map((file) => file.path));
  return {
    files,
    format: candidate.format,
    variant: candidate.variant,
    run: candidate.run,
    rule: (byHand ?? '') + rule,
    leftOut: explainLeftOut(all, taken, candidate, found, options),
  };
}

/** Rule 1. */
function eligibleOf(
  all: readonly HubFile[],
  { include, exclude, allowCode }: SelectOptions,
  { label }: SourceFacts,
): readonly HubFile[] {
  const left = all.filter((file) => !matchesAny(file.path, exclude));
  const matching =
    include.length === 0 ? left : left.filter((file) => matchesAny(file.path, include));
  const eligible = matching.filter((file) => allowCode || !isCode(file.path));
  if (include.length === 0 || eligible.length > 0) return eligible;
  const flags = include.join(' --include ');
  throw new AxonError(
    'NO_MODEL',
    matching.length > 0
      ? `Of ${label} only code matches --include ${flags}; code is taken with --allow-code only.`
      : `No file of ${label} matches --include ${flags}. It has: ${few(left.map((f) => f.path))}.`,
  );
}

/** Rule 4. */
function withSideFiles(
  files: readonly HubFile[],
  candidate: Candidate,
  listing: Listing,
): readonly HubFile[] {
  const wanted = new Set([...candidate.run, ...candidate.needs]);
  const folders = new Set(['', candidate.dir, ...candidate.run.map(folderOf)]);
  const base = candidate.dir === 'onnx/' ? '' : candidate.dir;
  const isPipeline = listing.has(`${base}model_index.json`);
  // `1_Pooling/` and its like: what sentence-transformers does after the model.
  const hasModules = listing.has(`${base}modules.json`);
  const isBelow = (folder: string) =>
    folder.startsWith(base) &&
    (isPipeline
      ? /^[^/]+\/$/.test(folder.slice(base.length))
      : hasModules && /^\d+_\w+\/$/.test(folder.slice(base.length)));
  return files.filter(({ path }) => {
    if (wanted.has(path)) return true;
    if (!isSideFile(path) && !isCode(path)) return false; // Code is among them when it is allowed.
    const folder = folderOf(path);
    return folders.has(folder) || isBelow(folder);
  });
}
