import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostLimits } from './host-limits.ts';
import { RestartPolicy } from './restart-policy.ts';

test('no pause, then 0.25 s doubling, up to the limit', () => {
  const policy = new RestartPolicy({ ...hostLimits, circuitCrashes: 100 });
  const pauses = Array.from({ length: 11 }, () => policy.crash(0).ms);
  assert.deepEqual(pauses, [0, 250, 500, 1e3, 2e3, 4e3, 8e3, 16e3, 30e3, 30e3, 30e3]);
});

test('a success or a minute of health begins anew, anything less does not', () => {
  const policy = new RestartPolicy(hostLimits);
  policy.crash(0);
  assert.equal(policy.crash(hostLimits.backoffResetMs - 1).ms, 250);
  assert.equal(policy.crash(hostLimits.backoffResetMs).ms, 0);
  policy.crash(0);
  policy.succeed();
  assert.equal(policy.crash(0).ms, 0);
});

test('the circuit opens at its limit and stays open until a success', () => {
  const policy = new RestartPolicy(hostLimits);
  const open = Array.from({ length: 7 }, () => policy.crash(0).open);
  assert.deepEqual(open, [false, false, false, false, true, true, true]);
  policy.succeed();
  assert.equal(policy.crash(0).open, false);
});
