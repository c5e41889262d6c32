import { batchBounds, quantile, timeBoundsUs } from '../../protocol/histogram.ts';
import type { EngineModelWire, EngineProcessWire } from '../../protocol/methods/engine.ts';
import type { EngineCounters, EngineModelFacts, EngineWorker } from '../lifecycle/engine-facts.ts';
import type { HostPool } from '../lifecycle/host-pool.ts';
import type { PluginHost } from '../plugin/host.ts';
import { cpuSeconds, residentBytes } from '../resource/process-facts.ts';
import type { Operation } from './operation.ts';

/** What a plugin's engine holds; null where the plugin has none. */
export type EngineOf = (host: PluginHost) => readonly EngineModelFacts[] | null;

type Times = EngineModelWire['queue_us'];
type Worker = EngineModelWire['workers'][number];

function times(totalNs: number, buckets: readonly number[]): Times {
  const count = buckets.reduce((sum, one) => sum + one, 0);
  const at = (q: number) => Math.round(quantile(buckets, timeBoundsUs, q) * 10) / 10;
  return {
    mean: count === 0 ? 0 : Math.round(totalNs / count / 100) / 10,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    buckets: [...buckets],
  };
}

function worker(pid: number, one: EngineWorker, nowNs: number): Worker {
  const isIdle = one.runStartedNs === 0;
  return {
    thread_id: one.threadId,
    cpu: one.cpu,
    state: isIdle ? 'idle' : one.terminateAskedNs === 0 ? 'running' : 'ending',
    running_us: isIdle ? 0 : Math.max(0, Math.round((nowNs - one.runStartedNs) / 1000)),
    cpu_seconds: cpuSeconds(pid, one.threadId),
  };
}

function modelStats(
  pid: number,
  { modelId, runner, measures }: EngineModelFacts,
  counters: EngineCounters,
): EngineModelWire {
  const nowNs = Number(process.hrtime.bigint());
  return {
    model_id: modelId,
    runner,
    priority: counters.priority,
    intra_op_threads: counters.intraOpThreads,
    batching: { verdict: counters.batchVerdict, limit: Math.max(1, counters.batchLimit) },
    queued: counters.queued,
    channels: counters.channels,
    requests: counters.requests,
    succeeded: counters.succeeded,
    failed: counters.failed,
    cancelled: counters.cancelled,
    expired: counters.expired,
    rejected: counters.rejected,
    batches: counters.batches,
    batch_sizes: [...counters.batchSizes],
    input_bytes: counters.inputBytes,
    output_bytes: counters.outputBytes,
    queue_us: times(counters.queueNs, counters.queueTimes),
    run_us: times(counters.runNs, counters.runTimes),
    workers: counters.workers.map((one) => worker(pid, one, nowNs)),
    measures: measures.map((measure) => ({ ...measure })),
  };
}

/** The figures of every plugin process, read from the engines' stats pages and /proc. */
export function engineStatsOperation(deps: {
  readonly pool: HostPool;
  readonly engineOf: EngineOf;
}): Operation<'stats.engine'> {
  function processFacts(host: PluginHost): EngineProcessWire[] {
    const { pid, state } = host.status;
    if (pid === null) return [];
    const models = deps.engineOf(host);
    return [
      {
        plugin_id: host.descriptor.id,
        pid,
        state,
        engine: models !== null,
        rss_bytes: residentBytes(pid),
        cpu_seconds: cpuSeconds(pid),
        models: (models ?? []).flatMap((model) =>
          model.counters === null ? [] : [modelStats(pid, model, model.counters)],
        ),
      },
    ];
  }

  return () => ({
    status: 'success',
    monotonic_us: Math.round(Number(process.hrtime.bigint()) / 1000),
    time_bounds_us: [...timeBoundsUs],
    batch_bounds: [...batchBounds],
    processes: deps.pool.all().flatMap(processFacts),
  });
}
