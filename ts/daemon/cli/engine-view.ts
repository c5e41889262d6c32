import { countsSince, quantile } from '../../protocol/histogram.ts';
import type {
  EngineModelWire,
  EngineProcessWire,
  EngineStatsWire,
} from '../../protocol/methods/engine.ts';

/** Times in microseconds of what happened between two readings. */
export interface TimesView {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface WorkerView {
  readonly thread_id: number;
  readonly cpu: number;
  readonly state: string;
  /** Cores that it used: 1 is one core all the time. Null where it cannot be told. */
  readonly cores: number | null;
}

export interface ModelView {
  readonly model_id: string;
  readonly plugin_id: string;
  readonly runner: string;
  readonly priority: string;
  readonly batching: EngineModelWire['batching'];
  readonly requests_per_second: number;
  readonly errors_per_second: number;
  readonly mean_batch: number;
  readonly queued: number;
  readonly channels: number;
  readonly queue_us: TimesView;
  readonly run_us: TimesView;
  readonly workers: readonly WorkerView[];
}

export interface ProcessView {
  readonly plugin_id: string;
  readonly pid: number;
  readonly state: string;
  readonly engine: boolean;
  readonly cores: number | null;
  readonly rss_bytes: number | null;
}

/** What one second looked like. */
export interface EngineView {
  readonly seconds: number;
  readonly processes: readonly ProcessView[];
  readonly models: readonly ModelView[];
}

function rate(now: number, before: number, seconds: number): number {
  // A process that began anew counts from zero.
  const grown = now >= before ? now - before : now;
  return Math.round((grown / seconds) * 10) / 10;
}

function cores(now: number | null, before: number | null | undefined, seconds: number) {
  if (now === null || before === null || before === undefined || now < before) return null;
  return Math.round(((now - before) / seconds) * 100) / 100;
}

function timesView(
  now: EngineModelWire['queue_us'],
  before: EngineModelWire['queue_us'] | undefined,
  bounds: readonly number[],
): TimesView {
  const counts = countsSince(now.buckets, before?.buckets ?? []);
  const at = (q: number) => Math.round(quantile(counts, bounds, q) * 10) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

const failures = ['failed', 'cancelled', 'expired', 'rejected'] as const;

function failuresOf(model: EngineModelWire | undefined): number {
  return failures.reduce((sum, name) => sum + (model?.[name] ?? 0), 0);
}

function modelView(
  process: EngineProcessWire,
  model: EngineModelWire,
  before: EngineModelWire | undefined,
  { seconds, bounds }: { readonly seconds: number; readonly bounds: readonly number[] },
): ModelView {
  const batches = model.batches - (before?.batches ?? 0);
  const answered =
    model.succeeded + model.failed - (before?.succeeded ?? 0) - (before?.failed ?? 0);
  const earlier = new Map(before?.workers.map((one) => [one.thread_id, one.cpu_seconds]));
  return {
    model_id: model.model_id,
    plugin_id: process.plugin_id,
    runner: model.runner,
    priority: model.priority,
    batching: model.batching,
    requests_per_second: rate(model.succeeded, before?.succeeded ?? 0, seconds),
    errors_per_second: rate(failuresOf(model), failuresOf(before), seconds),
    mean_batch: batches > 0 && answered > 0 ? Math.round((answered / batches) * 10) / 10 : 0,
    queued: model.queued,
    channels: model.channels,
    queue_us: timesView(model.queue_us, before?.queue_us, bounds),
    run_us: timesView(model.run_us, before?.run_us, bounds),
    workers: model.workers.map(({ thread_id, cpu, state, cpu_seconds }) => ({
      ...{ thread_id, cpu, state },
      cores: cores(cpu_seconds, earlier.get(thread_id), seconds),
    })),
  };
}

/** What happened between two readings of `stats.engine`. */
export function engineView(before: EngineStatsWire, now: EngineStatsWire): EngineView {
  const seconds = Math.max(1e-3, (now.monotonic_us - before.monotonic_us) / 1e6);
  const bounds = now.time_bounds_us;
  const earlier = new Map(before.processes.map((process) => [process.pid, process]));
  return {
    seconds: Math.round(seconds * 1000) / 1000,
    processes: now.processes.map(({ plugin_id, pid, state, engine, rss_bytes, cpu_seconds }) => ({
      ...{ plugin_id, pid, state, engine, rss_bytes },
      cores: cores(cpu_seconds, earlier.get(pid)?.cpu_seconds, seconds),
    })),
    models: now.processes.flatMap((process) => {
      const old = new Map(earlier.get(process.pid)?.models.map((one) => [one.model_id, one]));
      return process.models.map((model) =>
        modelView(process, model, old.get(model.model_id), { seconds, bounds }),
      );
    }),
  };
}
