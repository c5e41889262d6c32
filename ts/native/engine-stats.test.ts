import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchBounds, timeBoundsUs } from '../protocol/histogram.ts';
import { channelLayout } from './channel-layout.ts';
import { readEngineStats, statsPageBytes, withParts, writeStatsHeader } from './engine-stats.ts';
import { Region } from './region.ts';

test('rows in use are read, free ones are not', () => {
  const { statsPage, modelStats, workerStats, batchVerdicts, bounds } = channelLayout();
  using region = Region.create({ byteLength: statsPageBytes() });
  writeStatsHeader(region);
  assert.deepEqual(readEngineStats(region), []);
  const view = new DataView(region.view().buffer);
  const row = statsPage.models + 255 * modelStats.byteLength;
  view.setUint32(row + modelStats.handle, 41, true);
  view.setUint32(row + modelStats.priority, 3, true);
  view.setUint32(row + modelStats.batchVerdict, batchVerdicts['no gain'] as number, true);
  view.setBigUint64(row + modelStats.runNs, 5_000_000_000n, true);
  view.setBigUint64(row + modelStats.queueTimes + 8 * 24, 6n, true);
  const worker = row + modelStats.workers + 15 * workerStats.byteLength;
  view.setUint32(worker + workerStats.threadId, 77, true);
  view.setBigUint64(worker + workerStats.runStartedNs, 12n, true);
  const [stats, ...others] = readEngineStats(region);
  assert.equal(others.length, 0);
  assert.ok(stats !== undefined);
  assert.deepEqual(
    [stats.handle, stats.priority, stats.batchVerdict, stats.runNs, stats.queueTimes[24]],
    [41, 'batch', 'no gain', 5_000_000_000, 6],
  );
  assert.deepEqual(stats.workers, [
    { threadId: 77, cpu: 0, runStartedNs: 12, terminateAskedNs: null },
  ]);
  assert.equal(stats.queueTimes.length, timeBoundsUs.length + 1);
  assert.equal(stats.batchSizes.length, batchBounds.length + 1);
  assert.equal(timeBoundsUs.at(-1), 50_000_000);
  assert.equal(bounds.batchBuckets, stats.batchSizes.length);
});

test('a model’s parts are counted with it, others are not', () => {
  const { statsPage, modelStats } = channelLayout();
  using region = Region.create({ byteLength: statsPageBytes() });
  writeStatsHeader(region);
  const view = new DataView(region.view().buffer);
  const write = (index: number, [handle, partOf, requests]: readonly [number, number, number]) => {
    const row = statsPage.models + index * modelStats.byteLength;
    view.setUint32(row + modelStats.handle, handle, true);
    view.setUint32(row + modelStats.partOf, partOf, true);
    view.setBigUint64(row + modelStats.requests, BigInt(requests), true);
    view.setBigUint64(row + modelStats.runTimes + 8, BigInt(requests), true);
  };
  write(0, [5, 0, 1]);
  write(1, [6, 5, 10]);
  write(2, [7, 0, 100]);
  write(3, [8, 5, 1_000]);
  const rows = readEngineStats(region);
  const [first, , third] = rows;
  assert.ok(first !== undefined && third !== undefined);
  const whole = withParts(first, rows);
  assert.deepEqual([whole.handle, whole.requests, whole.runTimes[1]], [5, 1_011, 1_011]);
  assert.deepEqual(withParts(third, rows), third);
});

test("a hostile engine's numbers are unknown, not an error", () => {
  using region = Region.create({ byteLength: statsPageBytes() });
  region.view().fill(0xff);
  const rows = readEngineStats(region);
  assert.equal(rows.length, channelLayout().bounds.maxModels);
  assert.deepEqual([rows[0]?.priority, rows[0]?.batchVerdict], [null, null]);
  using small = Region.create({ byteLength: statsPageBytes() - 1 });
  assert.throws(() => readEngineStats(small), { code: 'INVALID_ARGUMENT' });
});
