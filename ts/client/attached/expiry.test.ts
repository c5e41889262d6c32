import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Expiry } from './expiry.ts';

test('rings at the earliest deadline, and again at what remains', async () => {
  const start = performance.now();
  const deadlines = new Set([start + 40, start + 10, start + 1e12]);
  const rung: number[] = [];
  const expiry = new Expiry((nowMs) => {
    for (const deadline of deadlines) {
      if (deadline > nowMs) continue;
      deadlines.delete(deadline);
      rung.push(Math.round(deadline - start));
    }
    return Math.min(...deadlines);
  });
  for (const deadline of deadlines) expiry.include(deadline);
  expiry.include(Number.POSITIVE_INFINITY);
  while (deadlines.size > 1) await delay(5);
  // On a busy machine both may be over when it rings.
  assert.deepEqual(
    rung.sort((a, b) => a - b),
    [10, 40],
  );
  expiry.stop();
});
