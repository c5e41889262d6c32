import { type Format, folderOf, nameOf } from '../formats/file-kinds.ts';
import type { Candidate, Found } from './candidate.ts';
import { groupBy, type Listing, pipelineOf } from './listing.ts';
import { joinShards, type Weights } from './shards.ts';

/*
 * Weights without a graph: safetensors and PyTorch's files.
 * 1. In a folder the usual names come before others, in this order. `consolidated` is a second copy of
 *    what `model` holds.
 * 2. Parts of a diffusion pipeline are one candidate for each variant; a part without it is taken plain.
 * 3. What a trainer leaves beside the weights is no model.
 */
const usual = [
  'model',
  'pytorch_model',
  'diffusion_pytorch_model',
  'adapter_model',
  'consolidated',
];
/** Names that others than PyTorch use too, and copies: taken where nothing else is there. */
const lastResort = /^(model|learned_embeds|pytorch_lora_weights|.+pytorch_model.*)$/;
const leftovers = /^(optimizer|scheduler|scaler|rng_state.*|training_args|random_states.*)$/;

type WeightsFormat = Extract<Format, 'safetensors' | 'pytorch'>;

export function weightCandidates(format: WeightsFormat, listing: Listing): Found {
  const aside = new Map<string, string>();
  const pipelines = new Set(listing.pipelines());
  const indexes = indexFiles(listing);
  const all = joinShards(listing.of(format)).filter((weights) => {
    const why = noModel(weights, listing); // Rule 3
    for (const path of why === null ? [] : weights.files) aside.set(path, why ?? '');
    return why === null;
  });
  const isPart = ({ files }: Weights) => pipelineOf(files[0] ?? '', pipelines) !== null;
  const needsOf = (weights: Weights) => [
    ...(indexes.get(`${weights.dir}\0${weights.base}`) ?? []),
    ...['params.json'].flatMap((name) =>
      weights.base === 'consolidated' && listing.has(weights.dir + name) ? weights.dir + name : [],
    ),
  ];
  const candidates = [
    ...[...groupBy(all.filter(isPart), ({ dir }) => folderOf(dir.slice(0, -1)))].flatMap(
      ([dir, parts]) => pipeline(format, dir, parts, needsOf),
    ),
    ...all
      .filter((weights) => !isPart(weights))
      .map((weights) => single(format, weights, needsOf(weights))),
  ];
  return { candidates, aside };
}

function noModel({ dir, base, files }: Weights, listing: Listing): string | null {
  if (leftovers.test(base)) return 'left by a trainer, no model';
  const isBin = files[0]?.endsWith('.bin') === true;
  return isBin && listing.has(`${dir}${base}.xml`) ? 'weights of OpenVINO' : null;
}

function single(format: Format, weights: Weights, needs: readonly string[]): Candidate {
  const { dir, variant, files, missing } = weights;
  return { format, variant, dir, rank: rankOf(weights), run: files, needs, missing };
}

/** Rule 1. */
function rankOf({ base, files }: Weights): number {
  const place = usual.indexOf(base.replace(/\.\d\d$/, ''));
  const isUsual = place >= 0 && !(base === 'model' && files[0]?.endsWith('.bin'));
  if (isUsual) return place;
  return files[0]?.endsWith('.bin') && lastResort.test(base) ? usual.length + 1 : usual.length;
}

/** Names of `x.safetensors.index.json` by the folder and `x`; `x.safetensors.index.fp16.json` too. */
function indexFiles({ paths }: Listing): Map<string, string[]> {
  const owned = paths.flatMap((path) => {
    const name = nameOf(path);
    const at = name.endsWith('.json') ? name.search(/(\.\w+)?\.(safetensors|bin)\.index\./) : -1;
    return at < 0 ? [] : [{ path, key: `${folderOf(path)}\0${name.slice(0, at)}` }];
  });
  const groups = groupBy(owned, (file) => file.key);
  return new Map([...groups].map(([key, list]) => [key, list.map((file) => file.path)]));
}

/** Rule 2. */
function pipeline(
  format: Format,
  dir: string,
  parts: readonly Weights[],
  needsOf: (weights: Weights) => readonly string[],
): Candidate[] {
  const folders = groupBy(parts, (part) => part.dir);
  const variants = [...new Set(parts.map((part) => part.variant))].sort();
  return variants.map((variant): Candidate => {
    const chosen = [...folders].map(([folder, list]) => {
      const of = (name: string) =>
        list.filter((part) => part.variant === name && part.missing === null).sort(byRank)[0];
      return { folder, part: of(variant) ?? of('') ?? null };
    });
    const lacks = chosen.flatMap(({ folder, part }) => (part === null ? [folder] : []));
    const found = chosen.flatMap(({ part }) => part ?? []);
    return {
      format,
      variant,
      dir,
      rank: -1,
      run: found.flatMap((part) => part.files),
      needs: found.flatMap(needsOf),
      missing: lacks.length === 0 ? null : `the weights of ${lacks.join(', ')} are missing`,
    };
  });
}

const byRank = (a: Weights, b: Weights) => rankOf(a) - rankOf(b);
