import { AxonError } from '../axon-error.ts';
import { type Format, formatNames } from '../formats/file-kinds.ts';
import type { Candidate, Found } from './candidate.ts';
import type { Listing } from './listing.ts';
import { onnxDtypes } from './onnx.ts';
import type { SelectOptions, SourceFacts } from './select.ts';

export interface Choice {
  readonly candidate: Candidate;
  /** What decided, in words. */
  readonly rule: string;
}

/** The one candidate that the flags and the rules leave, or the error that lists what there is. */
export function choose(
  listing: Listing,
  found: Found,
  options: SelectOptions,
  source: SourceFacts,
  /** All of them are taken anyway; which one is run is all that is left to say. */
  takesAll = false,
): Choice {
  const whole = found.candidates.filter((candidate) => candidate.missing === null);
  const there = formatNames.filter((name) => whole.some(({ format }) => format === name));
  const format = options.format ?? preferred(there, source);
  const ofFormat = whole.filter((candidate) => candidate.format === format);
  if (format === null || ofFormat.length === 0) throw noModel(source, options, listing, found);
  const places = format === 'gguf' ? ofFormat : bestPlace(ofFormat);
  const fitting =
    options.variant === null
      ? plainest(places, format)
      : bestPlace(named(ofFormat, options.variant));
  const [candidate] = fitting;
  if (candidate !== undefined && fitting.length > 1 && takesAll) {
    const rule = ruleOf(candidate, there, places, options);
    return {
      candidate,
      rule: `${rule}; of ${fitting.length} models ${candidate.run.join(' + ')} is run`,
    };
  }
  if (candidate === undefined || fitting.length !== 1)
    throw ambiguous(source, fitting.length === 0 ? ofFormat : fitting, options);
  return { candidate, rule: ruleOf(candidate, there, places, options) };
}

/** GGUF where the source is for llama.cpp; else the first of the list that is there whole. */
function preferred(there: readonly Format[], { tags }: SourceFacts): Format | null {
  if (tags.includes('llama.cpp') && there.includes('gguf')) return 'gguf';
  return there[0] ?? null;
}

const folderOrder = ['onnx/', ''];

/** `onnx/` before the top before all other folders; of one folder the usual names before others. */
function bestPlace(candidates: readonly Candidate[]): readonly Candidate[] {
  const placeOf = ({ dir }: Candidate) =>
    folderOrder.includes(dir) ? folderOrder.indexOf(dir) : folderOrder.length;
  const least = (list: readonly Candidate[], key: (candidate: Candidate) => number) => {
    const best = list.reduce((low, candidate) => Math.min(low, key(candidate)), Infinity);
    return list.filter((candidate) => key(candidate) === best);
  };
  return least(least(candidates, placeOf), ({ rank }) => rank);
}

/** fp32 is the plain one and q8 the one that is called quantized, as users of ONNX say. */
const otherNames: Readonly<Record<string, string>> = {
  plain: '',
  fp32: '',
  f32: '',
  q8: 'quantized',
};

/** Whether a variant is the one that a flag names. */
export function isVariant(asked: string, variant: string): boolean {
  const wanted = asked.toLowerCase();
  const real = variant === 'plain' ? '' : variant;
  return (
    [variant.toLowerCase(), real.toLowerCase()].includes(wanted) || otherNames[wanted] === real
  );
}

function named(candidates: readonly Candidate[], variant: string): readonly Candidate[] {
  const wanted = variant.toLowerCase();
  const exact = candidates.filter((candidate) => candidate.variant.toLowerCase() === wanted);
  const other = otherNames[wanted];
  return exact.length > 0 || other === undefined
    ? exact
    : candidates.filter((candidate) => candidate.variant === other);
}

const usualVariants: Readonly<Record<Format, readonly string[]>> = {
  onnx: ['', 'fp16', 'quantized', 'q8'],
  gguf: ['', 'q4_k_m', 'q4_k_s', 'q4_0'],
  safetensors: ['', 'fp16', 'bf16'],
  pytorch: ['', 'fp16', 'bf16'],
  saved_model: [''],
  tflite: ['', 'float32'],
  keras: [''],
};

/** Names of variants that are common; a source may have others. */
export const variantNames: readonly string[] = [
  ...new Set([...Object.keys(otherNames), ...onnxDtypes, ...Object.values(usualVariants).flat()]),
].filter((name) => name !== '');

/** Without --variant the plain one, or the first usual one. */
function plainest(candidates: readonly Candidate[], format: Format): readonly Candidate[] {
  for (const usual of usualVariants[format]) {
    const match = candidates.filter(({ variant }) => variant.toLowerCase() === usual);
    if (match.length > 0) return match;
  }
  return candidates;
}

function ruleOf(
  { format, variant, dir }: Candidate,
  there: readonly Format[],
  places: readonly Candidate[],
  options: SelectOptions,
): string {
  const variants = new Set(places.map((candidate) => candidate.variant || 'plain'));
  const why =
    options.format !== null
      ? '--format'
      : there.length === 1
        ? 'the only format that is whole'
        : `first of ${there.join(', ')}`;
  const whyVariant =
    options.variant !== null
      ? '--variant'
      : variants.size === 1
        ? 'the only one'
        : `the usual one of ${[...variants].slice(0, 20).join(', ')}`;
  const place = dir === '' ? '' : `, in ${dir}`;
  return `format ${format} (${why}), variant ${variant || 'plain'} (${whyVariant})${place}`;
}

function noModel(
  { label }: SourceFacts,
  options: SelectOptions,
  listing: Listing,
  { candidates }: Found,
): AxonError {
  const broken = candidates.filter(
    ({ missing, format }) =>
      missing !== null && (options.format === null || format === options.format),
  );
  const details = { details: { incomplete: broken.slice(0, 100).map(brief) } };
  if (broken.length > 0)
    return new AxonError(
      'NO_MODEL',
      `${label} has only an incomplete ${broken[0]?.format} model: ${few(broken.map((c) => `${c.run[0] ?? c.dir}: ${c.missing}`))}.`,
      details,
    );
  const present = formatNames.filter((format) => listing.of(format).length > 0);
  if (present.length > 0 && options.format !== null)
    return new AxonError(
      'NO_MODEL',
      `${label} has no ${options.format} model; it has: ${present.join(', ')}.`,
    );
  return new AxonError(
    'NO_MODEL',
    `${label} holds no model file of a known format (${formatNames.join(', ')}). It has: ${few(listing.paths)}.`,
  );
}

function brief({ format, variant, run, missing }: Candidate): object {
  return { format, variant, files: run.slice(0, 20), missing };
}

function ambiguous(
  { label }: SourceFacts,
  candidates: readonly Candidate[],
  options: SelectOptions,
): AxonError {
  const variants = new Set(candidates.map((candidate) => candidate.variant));
  const flag =
    variants.size === candidates.length && !variants.has('')
      ? `--variant <${[...variants].slice(0, 8).join('|')}>`
      : "--include '<file>'";
  const what = options.variant === null ? 'several models' : `no single variant ${options.variant}`;
  return new AxonError(
    'AMBIGUOUS',
    `${label} holds ${what}: ${few(candidates.map(({ run }) => run.join(' + ')))}. Choose one with ${flag}.`,
    { details: { candidates: candidates.slice(0, 100).map(brief) } },
  );
}

export function few(names: readonly string[]): string {
  const shown = names.slice(0, 12).map((name) => name.slice(0, 200));
  return shown.join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '');
}
