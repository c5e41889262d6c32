import { folderOf, nameOf } from '../formats/file-kinds.ts';
import { groupBy } from './listing.ts';

/** One file, or the files of one set of shards. */
export interface Weights {
  readonly dir: string;
  /** Name without ending, number and variant: `model` of `model.fp16-00001-of-00002.safetensors`. */
  readonly base: string;
  readonly variant: string;
  readonly files: readonly string[];
  readonly missing: string | null;
}

interface Part {
  readonly path: string;
  readonly dir: string;
  readonly base: string;
  readonly variant: string;
  readonly index: number | null;
  readonly total: number | null;
}

const shard = /-(\d{5})-of-(\d{5})(?=\.|$)/;
const namedVariant = /\.(fp16|bf16|fp32|fp8|int8|int4|ema|non_ema)$/;

function partOf(path: string): Part {
  const stem = nameOf(path).replace(/\.[A-Za-z0-9]+$/, '');
  const match = shard.exec(stem);
  const whole = match === null ? stem : stem.slice(0, match.index) + stem.slice(match.index + 15);
  const variant = namedVariant.exec(whole)?.[1] ?? '';
  return {
    path,
    dir: folderOf(path),
    base: variant === '' ? whole : whole.slice(0, -variant.length - 1),
    variant,
    index: match === null ? null : Number(match[1]),
    total: match === null ? null : Number(match[2]),
  };
}

/** Joins shards; a set that is not whole says which parts it lacks. */
export function joinShards(paths: readonly string[]): Weights[] {
  const parts = paths.map(partOf);
  const sets = groupBy(parts, ({ path, dir, base, variant, total }) =>
    total === null ? `\0${path}` : [dir, base, variant, total].join('\0'),
  );
  return [...sets.values()].flatMap((set) => {
    const [first] = set;
    if (first === undefined) return [];
    const { dir, base, variant, total } = first;
    const files = set.map((part) => part.path).sort();
    return [{ dir, base, variant, files, missing: total === null ? null : lackOf(set, total) }];
  });
}

function lackOf(set: readonly Part[], total: number): string | null {
  const there = new Set(set.map((part) => part.index));
  if (total === 0 || there.size !== set.length || set.length > total)
    return `its ${set.length} parts do not say one order of ${total}`;
  const lacks: number[] = [];
  for (let index = 1; index <= total && lacks.length < 4; index++)
    if (!there.has(index)) lacks.push(index);
  if (lacks.length === 0) return null;
  const names = lacks.slice(0, 3).join(', ') + (lacks.length > 3 ? ', …' : '');
  return `part ${names} of ${total} is missing`;
}
