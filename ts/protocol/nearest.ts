/** So much of a name is compared; what comes after is not read. */
const maxLength = 100;

/**
 * Steps (a character compared, a cell of the table) that one search may cost: a few milliseconds. It runs within a request that is refused, and all others wait meanwhile.
 */
export const nearestBudget = 500_000;

/** One row of the distance table; a search is synchronous, so all share it. */
const row = new Uint16Array(maxLength + 1);

/** Steps that it costs to look at one candidate, when its length says enough. */
const lookCost = 3;

/** Letters that a slip of the finger changes at most. */
const slip = 3;

interface Meter {
  steps: number;
}

/** How far apart two names may be for one to be a hint at the other: half its length, at least 2. */
function patience(candidate: string): number {
  return Math.max(2, Math.ceil(Math.min(candidate.length, maxLength) / 2));
}

/** What is left of two names without their common ends: names of one family differ in the middle. */
function middles(a: string, b: string): [string, string] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  let end = 0;
  const left = shorter - start;
  while (end < left && a.charCodeAt(a.length - 1 - end) === b.charCodeAt(b.length - 1 - end)) end++;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

/** Makes row `i` of the table out of the one before, within `cap` of the diagonal; gives its least. */
function fillRow(i: number, letter: number, b: string, cap: number): number {
  const from = Math.max(1, i - cap);
  const to = Math.min(b.length, i + cap);
  let diagonal = row[from - 1] ?? 0;
  let left = from === 1 ? i : cap + 1;
  let least = left;
  row[from - 1] = left;
  for (let j = from; j <= to; j++) {
    const up = row[j] ?? 0;
    const substitution = diagonal + (letter === b.charCodeAt(j - 1) ? 0 : 1);
    left = Math.min(substitution, up + 1, left + 1);
    diagonal = up;
    row[j] = left;
    if (left < least) least = left;
  }
  return least;
}

/** Levenshtein distance, or anything above `cap` where it is larger: no more of the table is filled. */
function distance(typed: string, candidate: string, cap: number, meter: Meter): number {
  const [a, b] = middles(typed, candidate);
  meter.steps += typed.length - a.length + b.length + 1;
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  // Cells that no row has filled yet are beyond the cap.
  for (let j = 0; j <= b.length; j++) row[j] = Math.min(j, cap + 1);
  for (let i = 1; i <= a.length; i++) {
    meter.steps += Math.min(b.length, 2 * cap + 1);
    if (fillRow(i, a.charCodeAt(i - 1), b, cap) > cap) return cap + 1;
  }
  return row[b.length] ?? 0;
}

function firstOf(candidates: Iterable<string>, most: number): string[] {
  const first: string[] = [];
  for (const candidate of candidates) {
    if (first.length >= most) break;
    first.push(candidate);
  }
  return first;
}

/** The first of the nearest candidates that are at most `ceiling` away, while the steps last. */
function scan(
  text: string,
  candidates: readonly string[],
  limits: { readonly ceiling: number; readonly budget: number },
  meter: Meter,
): string | null {
  let name: string | null = null;
  let best = limits.ceiling + 1;
  for (const candidate of candidates) {
    if (best === 0 || meter.steps >= limits.budget) break;
    meter.steps += lookCost;
    const cap = Math.min(best - 1, patience(candidate));
    // The distance is at least the difference in length.
    if (Math.abs(Math.min(candidate.length, maxLength) - text.length) > cap) continue;
    const found = distance(text, candidate.slice(0, maxLength), cap, meter);
    if (found > cap) continue;
    name = candidate;
    best = found;
  }
  return name;
}

/**
 * The candidate nearest to what was typed, the first of several, and the steps that it took. Slips of
 * the finger are looked for first: to see that a name is no such costs little, so the budget lasts for
 * many. Where it does not last for all, the answer is the nearest of those that were seen.
 */
export function findNearest(
  typed: string,
  candidates: Iterable<string>,
  budget: number = nearestBudget,
): { readonly name: string | null; readonly steps: number } {
  const text = typed.slice(0, maxLength);
  const meter: Meter = { steps: 0 };
  const names = Array.isArray(candidates) ? candidates : firstOf(candidates, budget / lookCost);
  const name =
    scan(text, names, { ceiling: slip, budget: budget / 2 }, meter) ??
    scan(text, names, { ceiling: maxLength, budget }, meter);
  return { name, steps: meter.steps };
}

/** The candidate nearest to what was typed, or null where none is near (over half its length away). */
export function nearest(typed: string, candidates: Iterable<string>): string | null {
  return findNearest(typed, candidates).name;
}

/** ` Did you mean "x"?`, or nothing. */
export function didYouMean(typed: string, candidates: Iterable<string>): string {
  const best = nearest(typed, candidates);
  return best === null ? '' : ` Did you mean ${JSON.stringify(best)}?`;
}
