/** Numbers out of samples. A quantile is the sample at that rank: nothing is interpolated. */

/** @param {ArrayLike<number>} samples */
export function sorted(samples) {
  return Float64Array.from(samples).sort();
}

/** @param {Float64Array} ascending @param {number} q from 0 to 1 */
export function quantile(ascending, q) {
  return ascending[Math.floor(q * (ascending.length - 1))] ?? Number.NaN;
}

/** @param {ArrayLike<number>} samples */
export function median(samples) {
  return quantile(sorted(samples), 0.5);
}

/** What a closed loop reports of its latencies, in the unit of the samples. */
export function summary(samples) {
  const ascending = sorted(samples);
  return {
    requests: ascending.length,
    p50: quantile(ascending, 0.5),
    p95: quantile(ascending, 0.95),
    p99: quantile(ascending, 0.99),
  };
}

/** Medians of each number of several rounds' results, and how far the rounds lay apart. */
export function medianOfRounds(rounds) {
  const names = Object.keys(rounds[0] ?? {}).filter((name) => typeof rounds[0][name] === 'number');
  const medians = names.map((name) => [name, median(rounds.map((round) => round[name]))]);
  return { ...Object.fromEntries(medians), rounds };
}

/**
 * The median of the ratios of one round each: what else runs on the machine slows both sides of a
 * round, so the ratio is steadier than either number.
 */
export function medianRatio(ours, baseline, name) {
  return median(ours.rounds.map((round, i) => round[name] / baseline.rounds[i][name]));
}

/**
 * Runs every subject once a round, in an order that turns, and gives the medians by name. The first
 * `discarded` rounds warm up: a fresh process takes seconds until its hot code is compiled.
 * @param {{ rounds: number, discarded: number }} plan
 * @param {Record<string, () => Promise<object>>} subjects
 */
export async function alternate({ rounds, discarded }, subjects) {
  const names = Object.keys(subjects);
  const results = new Map(names.map((name) => [name, []]));
  for (let round = -discarded; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round + discarded) % names.length];
      const result = await subjects[name]();
      if (round >= 0) results.get(name).push(result);
    }
  }
  return Object.fromEntries(names.map((name) => [name, medianOfRounds(results.get(name))]));
}

/** Three significant digits, thousands apart. */
export function figure(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString('en-US', {
    minimumFractionDigits: Math.min(digits, 2),
    maximumFractionDigits: Math.min(digits, 2),
  });
}

/** Microseconds, in the unit that reads best. */
export function duration(us) {
  if (us === undefined || us === null || Number.isNaN(us)) return '';
  return us >= 1000 ? `${figure(us / 1000)} ms` : `${figure(us)} µs`;
}
