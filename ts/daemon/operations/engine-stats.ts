import { type BatchVerdict, batchVerdicts } from '../../protocol/batch-verdict.ts';
import { batchBounds, quantile, timeBoundsUs } from '../../protocol/histogram.ts';
import type { EngineModelWire, EngineProcessWire } from '../../protocol/methods/engine.ts';
import type { HostPool } from '../lifecycle/host-pool.ts';
import { type EngineModelFacts, engineFacts } from '../plugin/engine-facts.ts';
import type { PluginHost } from '../plugin/host.ts';
import { cpuSeconds, residentBytes } from '../resource/process-facts.ts';
import type { Operation } from './operation.ts';

type Stats = NonNullable<EngineModelFacts['stats']>;
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

function worker(pid: number, one: Stats['workers'][number], nowNs: number): Worker {
  const since = one.runStartedNs;
  const isEnding = since !== null && one.terminateAskedNs !== null;
  return {
    thread_id: one.threadId,
    cpu: one.cpu,
    state: since === null ? 'idle' : isEnding ? 'ending' : 'running',
    running_us: since === null ? 0 : Math.max(0, Math.round((nowNs - since) / 1000)),
    cpu_seconds: cpuSeconds(pid, one.threadId),
  };
}

/** A hostile engine may write what it likes; what is no verdict has not been reached. */
function verdictOf({ batchVerdict }: Stats): BatchVerdict {
  return batchVerdicts.find((name) => name === batchVerdict?.replace(' ', '_')) ?? 'pending';
}

function modelStats(
  pid: number,
  { modelId, runner, measures }: EngineModelFacts,
  stats: Stats,
): EngineModelWire {
  const nowNs = Number(process.hrtime.bigint());
  return {
    model_id: modelId,
    runner,
    priority: stats.priority ?? 'normal',
    intra_op_threads: stats.intraOpThreads,
    batching: { verdict: verdictOf(stats), limit: Math.max(1, stats.batchLimit) },
    queued: stats.queued,
    channels: stats.channels,
    sequences: stats.sequences,
    state_bytes: stats.stateBytes,
    requests: stats.requests,
    succeeded: stats.succeeded,
    failed: stats.failed,
    cancelled: stats.cancelled,
    expired: stats.expired,
    rejected: stats.rejected,
    batches: stats.batches,
    batch_sizes: [...stats.batchSizes],
    input_bytes: stats.inputBytes,
    output_bytes: stats.outputBytes,
    queue_us: times(stats.queueNs, stats.queueTimes),
    run_us: times(stats.runNs, stats.runTimes),
    workers: stats.workers.map((one) => worker(pid, one, nowNs)),
    measures: measures.map((measure) => ({ ...measure })),
  };
}

/** The figures of every plugin process, read from the engines' stats pages and /proc. */
export function engineStatsOperation(deps: { readonly pool: HostPool }): Operation<'stats.engine'> {
  function processFacts(host: PluginHost): EngineProcessWire[] {
    const { pid, state } = host.status;
    if (pid === null) return [];
    const models = engineFacts(host);
    return [
      {
        plugin_id: host.descriptor.id,
        pid,
        state,
        engine: models !== null,
        rss_bytes: residentBytes(pid),
        cpu_seconds: cpuSeconds(pid),
        models: (models ?? []).flatMap((model) =>
          model.stats === null ? [] : [modelStats(pid, model, model.stats)],
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
