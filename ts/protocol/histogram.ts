/**
 * The buckets that engines count times and batch sizes in, and what can be told from them. Counts
 * stand between bounds: bucket i holds what is above bound i-1 and at most bound i; the last one has
 * no upper bound.
 */
const decades = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7];

/** Microseconds: 1, 2, 5, 10 … 50,000,000. */
export const timeBoundsUs: readonly number[] = decades.flatMap((unit) => [
  unit,
  2 * unit,
  5 * unit,
]);

/** Requests: 1, 2, 4 … 1,024. */
export const batchBounds: readonly number[] = Array.from({ length: 11 }, (_, power) => 2 ** power);

/** Counts of `now` that were not there `before`; a page that began anew counts from zero. */
export function countsSince(now: readonly number[], before: readonly number[]): readonly number[] {
  const grown = now.map((count, index) => count - (before[index] ?? 0));
  return grown.some((count) => count < 0) ? now : grown;
}

/**
 * The value that a share `q` (0 to 1) of the counted lies at or below: interpolated within its bucket,
 * the last bound where it is beyond all of them, 0 where nothing was counted.
 */
export function quantile(counts: readonly number[], bounds: readonly number[], q: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  const wanted = q * total;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    const upper = bounds[index];
    if (upper === undefined) break;
    if (below + count >= wanted && count > 0) {
      const lower = index === 0 ? 0 : (bounds[index - 1] ?? 0);
      return lower + ((upper - lower) * (wanted - below)) / count;
    }
    below += count;
  }
  return bounds.at(-1) ?? 0;
}
