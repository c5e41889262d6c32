import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchBounds, countsSince, quantile, timeBoundsUs } from './histogram.ts';

test('the bounds are those of the stats page', () => {
  assert.equal(timeBoundsUs.length, 24);
  assert.deepEqual(timeBoundsUs.slice(0, 5), [1, 2, 5, 10, 20]);
  assert.equal(timeBoundsUs.at(-1), 50_000_000);
  assert.deepEqual(batchBounds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]);
});

test('quantiles are interpolated within their bucket', () => {
  const bounds = [10, 20, 40];
  assert.equal(quantile([0, 0, 0, 0], bounds, 0.5), 0);
  assert.equal(quantile([10, 0, 0, 0], bounds, 0.5), 5);
  assert.equal(quantile([0, 10, 0, 0], bounds, 1), 20);
  assert.equal(quantile([50, 0, 50, 0], bounds, 0.75), 30);
  assert.equal(quantile([50, 0, 50, 0], bounds, 0.5), 10);
  assert.equal(quantile([0, 0, 0, 3], bounds, 0.5), 40, 'beyond the last bound it is that bound');
});

test('growth is the difference, or all of it where counting began anew', () => {
  assert.deepEqual(countsSince([3, 5], [1, 5]), [2, 0]);
  assert.deepEqual(countsSince([1, 2], [4, 0]), [1, 2]);
  assert.deepEqual(countsSince([1, 2], []), [1, 2]);
});
