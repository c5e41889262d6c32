import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SpinBudget } from './spin-budget.ts';

test('a sequence of awaits spins, a burst does not', async () => {
  const budget = new SpinBudget(50);
  for (let i = 0; i < 3; i++) {
    assert.equal(budget.next(), 20, 'at most 20 µs, whatever the daemon allows');
    budget.hit();
    assert.equal(budget.next(), 0, 'in the same burst');
    await null;
  }
});

test('misses are forgiven ever more rarely, hits at once', async () => {
  const budget = new SpinBudget(10);
  const skipsAfterMiss = async () => {
    budget.miss();
    let skips = 0;
    await null;
    while (budget.next() === 0) skips++;
    await null;
    return skips;
  };
  assert.equal(budget.next(), 10);
  const seen: number[] = [];
  for (let i = 0; i < 8; i++) seen.push(await skipsAfterMiss());
  assert.deepEqual(seen, [1, 3, 7, 15, 31, 63, 64, 64]);
  budget.hit();
  assert.equal(await skipsAfterMiss(), 1);
});

test('the event loop gets its turn', async () => {
  const budget = new SpinBudget(10);
  let taken = 0;
  while (budget.next() > 0) {
    budget.hit();
    taken++;
    await null;
  }
  assert.equal(taken, 64);
  await turn();
  assert.equal(budget.next(), 10);
});

test('where spinning never pays nobody spins', () => {
  const budget = new SpinBudget(0);
  assert.equal(budget.allowed, false);
  assert.equal(budget.next(), 0);
});
