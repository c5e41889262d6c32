import assert from 'node:assert/strict';
import { type ConformanceCase, type DoorDriver, mayBeUnsayable, type Outcome } from './case.ts';

/** Facts that may differ between two calls: times and what is counted while the cases run, registrations too. */
const volatileKeys = new Set([
  'timestamp',
  'inference_time_us',
  'queue_time_us',
  'uptime_seconds',
  'registered_at',
  // It names the port.
  'example',
  'ordinal',
  'expires_at',
  'rss_bytes',
  'heap_used_bytes',
  'available_bytes',
  'open_descriptors',
  'total_requests',
  'successful_requests',
  'failed_requests',
  'avg_response_time_us',
  'errors_by_code',
  'inferences',
  'monotonic_us',
  'cpu_seconds',
  'running_us',
]);

/** The outcome without what may differ. Lists of numbers are kept whole: they are the answers. */
export function normalise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, entry]) => !volatileKeys.has(key) && entry !== undefined)
      .map(([key, entry]) => [key, normalise(entry)]),
  );
}

export function checkExpectation(testCase: ConformanceCase, door: string, got: Outcome): void {
  const { name, expect } = testCase;
  const where = `${name}, through ${door}`;
  if (got.kind === 'unsayable') {
    assert.ok(mayBeUnsayable(testCase), `${where}: ${got.why}`);
    return;
  }
  if ('code' in expect) {
    const code = got.kind === 'error' ? got.code : `a result: ${JSON.stringify(got.result)}`;
    assert.equal(code, expect.code, where);
    return;
  }
  if (got.kind === 'error') assert.fail(`${where}: ${got.code}: ${got.message}`);
  expect.result(got.result);
}

/** Runs every case through every door; the answers must be as expected, and equal to each other. */
export async function runCases(
  drivers: readonly DoorDriver[],
  cases: readonly ConformanceCase[],
): Promise<void> {
  assert.ok(drivers.length > 1, 'One door alone conforms to nothing.');
  for (const testCase of cases) {
    const answers: { readonly door: string; readonly outcome: unknown }[] = [];
    for (const driver of drivers) {
      const got = await driver.call(testCase.method, testCase.params);
      checkExpectation(testCase, driver.name, got);
      if (got.kind === 'unsayable') continue;
      answers.push({ door: driver.name, outcome: normalise(got) });
    }
    const [first, ...others] = answers;
    for (const { door, outcome } of others) {
      const message = `${testCase.name}: ${door} differs from ${first?.door}`;
      assert.deepEqual(outcome, first?.outcome, message);
    }
  }
}
