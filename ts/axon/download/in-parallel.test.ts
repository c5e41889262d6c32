import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from './in-parallel.ts';
import { Slots } from './slots.ts';

const never = new AbortController().signal;

test('so many at a time, and the answers in the order of the items', async () => {
  let [now, most] = [0, 0];
  const answers = await inParallel([30, 5, 20, 1, 10], { count: 2, signal: never }, async (ms) => {
    now += 1;
    most = Math.max(most, now);
    await sleep(ms);
    now -= 1;
    return ms * 2;
  });
  assert.deepEqual(answers, [60, 10, 40, 2, 20]);
  assert.equal(most, 2);
  assert.deepEqual(await inParallel([], { count: 2, signal: never }, async () => 1), []);
});

test('the first failure stops the others, waits for them, and is the one that is told', async () => {
  const ended: string[] = [];
  const work = inParallel(['a', 'b', 'c'], { count: 2, signal: never }, async (name, signal) => {
    if (name === 'a') throw new Error('a failed');
    try {
      await sleep(60_000, undefined, { signal });
    } finally {
      await sleep(5);
      ended.push(name);
    }
  });
  await assert.rejects(work, /a failed/);
  assert.deepEqual(ended, ['b']);
});

test('an interruption is told as one', async () => {
  const stop = new AbortController();
  const work = inParallel([1], { count: 1, signal: stop.signal }, (_, signal) =>
    sleep(60_000, undefined, { signal }),
  );
  stop.abort();
  await assert.rejects(work, { name: 'AbortError' });
});

test('slots are handed on in the order of asking, after a failure too', async () => {
  const slots = new Slots(1);
  const order: number[] = [];
  const first = slots.use(async () => {
    await sleep(5);
    throw new Error('failed');
  });
  const others = [1, 2, 3].map((i) => slots.use(async () => void order.push(i)));
  await assert.rejects(first, /failed/);
  await Promise.all(others);
  assert.deepEqual(order, [1, 2, 3]);
});
