import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchBounds, timeBoundsUs } from '../../protocol/histogram.ts';
import type { EngineModelWire, EngineStatsWire } from '../../protocol/methods/engine.ts';
import { engineView } from './engine-view.ts';
import { fitted, microseconds, topLines, topTitle } from './top-screen.ts';

// Guards: `mlos top` tells of the last second, not of all time.

function buckets(length: number, filled: Readonly<Record<number, number>> = {}): number[] {
  return Array.from({ length }, (_, index) => filled[index] ?? 0);
}

function times(filled: Readonly<Record<number, number>>): EngineModelWire['queue_us'] {
  return { mean: 0, p50: 0, p95: 0, p99: 0, buckets: buckets(timeBoundsUs.length + 1, filled) };
}

function model(rest: Partial<EngineModelWire> = {}): EngineModelWire {
  return {
    ...{ model_id: 'c/x@1', runner: 'onnxruntime 1.30.0 (C ABI)', priority: 'high' },
    ...{ intra_op_threads: 1, batching: { verdict: 'gains', limit: 16 }, queued: 3, channels: 2 },
    ...{ sequences: 0, state_bytes: 0 },
    ...{ requests: 0, succeeded: 0, failed: 0, cancelled: 0, expired: 0, rejected: 0, batches: 0 },
    ...{ batch_sizes: buckets(batchBounds.length + 1), input_bytes: 0, output_bytes: 0 },
    ...{ queue_us: times({}), run_us: times({}), measures: [] },
    workers: [{ thread_id: 7, cpu: 1, state: 'running', running_us: 5, cpu_seconds: 1 }],
    ...rest,
  };
}

function reading(seconds: number, models: EngineModelWire[], cpu_seconds = 1): EngineStatsWire {
  return {
    status: 'success',
    monotonic_us: seconds * 1e6,
    time_bounds_us: [...timeBoundsUs],
    batch_bounds: [...batchBounds],
    processes: [
      {
        ...{ plugin_id: 'onnx@1.0.0', pid: 42, state: 'ready', engine: true },
        ...{ rss_bytes: 1024 * 1024, cpu_seconds, models },
      },
    ],
  };
}

const slowPast = { queue_us: times({ 20: 1000 }), run_us: times({ 20: 1000 }) };
const before = model({ succeeded: 1000, failed: 10, batches: 100, ...slowPast });
const after = model({
  ...{ succeeded: 3000, failed: 14, rejected: 6, batches: 350 },
  queue_us: times({ 1: 2000, 20: 1000 }),
  run_us: times({ 2: 1990, 9: 10, 20: 1000 }),
  workers: [{ thread_id: 7, cpu: 0, state: 'idle', running_us: 0, cpu_seconds: 2.9 }],
});

test('rates, batches and quantiles are those of the time between two readings', () => {
  const view = engineView(reading(10, [before], 5), reading(12, [after], 7.5));
  assert.equal(view.seconds, 2);
  const [one] = view.models;
  assert.ok(one !== undefined);
  assert.deepEqual([one.requests_per_second, one.errors_per_second], [1000, 5]);
  assert.equal(one.mean_batch, 8, '2,004 answered in 250 batches');
  assert.deepEqual([one.queued, one.channels], [3, 2]);
  assert.ok(one.queue_us.p99 <= 2 && one.queue_us.p50 > 1, 'the slow past is forgotten');
  assert.ok(one.run_us.p50 <= 5 && one.run_us.p99 <= 5);
  assert.deepEqual(one.workers, [{ thread_id: 7, cpu: 0, state: 'idle', cores: 0.95 }]);
  assert.deepEqual(view.processes[0]?.cores, 1.25);
});

test('a process that began anew counts from zero', () => {
  const fresh = model({ succeeded: 50, batches: 50, run_us: times({ 0: 50 }) });
  const again = engineView(reading(10, [before], 5), reading(11, [fresh], 0.1));
  assert.equal(again.models[0]?.requests_per_second, 50);
  assert.equal(again.processes[0]?.cores, null);
  const added = engineView(reading(10, []), reading(11, [fresh]));
  assert.equal(added.models[0]?.requests_per_second, 50);
  assert.deepEqual(engineView(reading(10, [before]), reading(11, [])).models, []);
});

test('the screen shows it, and never more than fits', () => {
  const view = engineView(reading(10, [before], 5), reading(12, [after], 7.5));
  assert.match(
    topTitle(view, '/tmp/x.sock'),
    /1.0k requests\/s {2}3 queued {2}1 models {2}1.25 cores/,
  );
  const text = topLines(view).join('\n');
  assert.match(text, /c\/x@1 +high +1\.0k +5 +3 +8\.0\/16 auto: gains +2 /);
  assert.match(text, /0:0\.95/);
  const idle = topLines(engineView(reading(1, [before]), reading(2, [before]))).join('\n');
  assert.match(idle, /c\/x@1 +high +0 +0 +3 +–/);
  assert.match(topLines(engineView(reading(1, []), reading(2, []))).join('\n'), /No model/);
  const narrow = topLines(view, 70).join('\n');
  assert.match(narrow, /MODEL +REQ\/S/);
  assert.match(narrow, /RUN p50/);
  assert.doesNotMatch(narrow, /CHANNELS|CLASS/);
  const lines = fitted(topLines(view), { columns: 60, rows: 4 });
  assert.equal(lines.length, 4);
  assert.ok(lines.every((line) => line.length <= 60));
  assert.deepEqual([4.24, 850, 1234, 56_000, 2.5e6].map(microseconds), [
    '4.2µs',
    '850µs',
    '1.2ms',
    '56ms',
    '2.5s',
  ]);
});
