import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineModelStats, EngineWorkerStats } from '../../../native/engine-stats.ts';
import { FakeClock } from '../fake-clock.ts';
import { hostLimits } from '../host-limits.ts';
import type { EngineModel } from './engine-model.ts';
import { EngineWatch, hasAnswered } from './engine-watch.ts';
import type { HostEngine } from './host-engine.ts';

const msAgo = (ms: number) => Number(process.hrtime.bigint()) - ms * 1e6;

/** A watch on an engine whose figures the test says. */
function watched(options: { readonly onLoop?: boolean } = {}) {
  const clock = new FakeClock();
  const row = { handle: 7, succeeded: 0, failed: 0, workers: [] as EngineWorkerStats[] };
  const engine = { stats: () => [row as unknown as EngineModelStats] } as unknown as HostEngine;
  const entry = { on_loop: options.onLoop ?? false };
  const model = { modelId: 'a/b@1', handle: 7, entry } as unknown as EngineModel;
  const watch = new EngineWatch({ limits: hostLimits, clock, models: () => [model] });
  const killed: string[] = [];
  watch.start(engine, (reason) => void killed.push(reason));
  const run = (startedNs: number | null, askedNs: number | null) => {
    row.workers = [{ threadId: 1, cpu: 0, runStartedNs: startedNs, terminateAskedNs: askedNs }];
  };
  return { clock, row, engine, watch, killed, run };
}

test('an engine that finishes requests gets on; one that only runs does not', () => {
  const { row, engine, watch, run } = watched();
  assert.equal(watch.getsOn(engine), false);
  row.succeeded = 3;
  assert.equal(watch.getsOn(engine), true);
  assert.equal(watch.getsOn(engine), false);
  run(msAgo(10), null);
  assert.equal(watch.getsOn(engine), false, 'its loop is free for heart-beats');
});

test('an engine that has answered anybody works, rightly or with an error', () => {
  const { row, engine } = watched();
  assert.equal(hasAnswered(null), false);
  assert.equal(hasAnswered(engine), false);
  row.failed = 1;
  assert.equal(hasAnswered(engine), true);
});

test('a run on the event loop is no sign of death', () => {
  const { engine, watch, run } = watched({ onLoop: true });
  assert.equal(watch.getsOn(engine), false);
  run(msAgo(10), null);
  assert.equal(watch.getsOn(engine), true);
  run(null, null);
  assert.equal(watch.getsOn(engine), false);
});

test('a run that goes on long after it was asked to end takes the process along', () => {
  const { clock, watch, killed, run } = watched();
  run(msAgo(100_000), null);
  clock.advance(5_000);
  run(msAgo(100_000), msAgo(hostLimits.stuckRunMs - 5_000));
  clock.advance(5_000);
  assert.deepEqual(killed, []);
  run(msAgo(100_000), msAgo(hostLimits.stuckRunMs));
  clock.advance(hostLimits.heartbeatMs);
  assert.equal(killed.length, 1);
  assert.match(killed[0] ?? '', /a\/b@1/);
  watch.stop();
  assert.deepEqual(clock.pending, []);
});
