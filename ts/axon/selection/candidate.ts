import type { Format } from '../formats/file-kinds.ts';

/** One loadable thing: the files that are run, and those that they need to be whole. */
export interface Candidate {
  readonly format: Format;
  /** Name of the variant, empty for the plain one. */
  readonly variant: string;
  /** The folder that it lies in, empty or ending in a slash. */
  readonly dir: string;
  /** Among candidates of one folder the lowest is the usual one. */
  readonly rank: number;
  readonly run: readonly string[];
  readonly needs: readonly string[];
  /** What it lacks, in words; null where it is whole. Only whole ones are ever chosen. */
  readonly missing: string | null;
}

export interface Found {
  readonly candidates: readonly Candidate[];
  /** Model files that belong to no candidate, and why. */
  readonly aside: ReadonlyMap<string, string>;
}
