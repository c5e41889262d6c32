import type { EngineModelWire } from '../../../protocol/methods/engine.ts';
import { type ModelInfo, oipName } from './models.ts';

/** The extension `statistics`: names are a contract, every leaf is a pair of integers. */
export interface Duration {
  readonly count: number;
  readonly ns: number;
}

export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: {
    readonly success: Duration;
    readonly fail: Duration;
    readonly queue: Duration;
    readonly compute_input: Duration;
    readonly compute_infer: Duration;
    readonly compute_output: Duration;
    readonly cache_hit: Duration;
    readonly cache_miss: Duration;
  };
  readonly response_stats: Readonly<Record<string, never>>;
  readonly batch_stats: readonly {
    readonly batch_size: number;
    readonly compute_input: Duration;
    readonly compute_infer: Duration;
    readonly compute_output: Duration;
  }[];
  readonly memory_usage: readonly {
    readonly type: string;
    readonly id: number;
    readonly byte_size: number;
  }[];
}

const none: Duration = { count: 0, ns: 0 };

function total(count: number, meanUs: number): Duration {
  return { count, ns: Math.round(meanUs * count * 1000) };
}

/** What the daemon measured of one model's requests beside waiting and running; times in µs, `lastAtMs` since the epoch. */
interface RequestTimes {
  readonly count: number;
  readonly inputUs: number;
  readonly lastAtMs: number;
  /** All of it, inputs too. */
  readonly transport: { readonly totalUs: number };
}

/** Which of a model's contents is meant says its ordinal. */
export interface RequestTimesByModel {
  get(modelId: string, ordinal: number): RequestTimes | undefined;
}

/**
 * Of one model; `engine` is its row of stats.engine, where its plugin has an engine and it is loaded.
 * `times` are those of its requests through the daemon: attached apps go past it, so the counts of input
 * and output may be below that of success.
 */
export function modelStatistics(
  info: ModelInfo,
  engine: EngineModelWire | undefined,
  times: RequestTimes | undefined,
): ModelStatistics {
  const { count = 0, inputUs = 0, lastAtMs = 0 } = times ?? {};
  const outputUs = Math.max(0, (times?.transport.totalUs ?? 0) - inputUs);
  const input = { count, ns: Math.round(inputUs * 1000) };
  const output = { count, ns: Math.round(outputUs * 1000) };
  const succeeded = engine?.succeeded ?? 0;
  const failed = engine === undefined ? 0 : engine.failed + engine.expired + engine.rejected;
  const queue = total(succeeded, engine?.queue_us.mean ?? 0);
  const run = total(succeeded, engine?.run_us.mean ?? 0);
  return {
    name: oipName(info.id),
    version: String(info.ordinal),
    last_inference: lastAtMs,
    inference_count: succeeded,
    execution_count: engine?.batches ?? 0,
    inference_stats: {
      success: { count: succeeded, ns: queue.ns + input.ns + run.ns + output.ns },
      fail: { count: failed, ns: 0 },
      queue,
      compute_input: input,
      compute_infer: run,
      compute_output: output,
      cache_hit: none,
      cache_miss: none,
    },
    response_stats: {},
    // Engines count the requests of a run, not the rows that a batch is here, and no times for each size.
    batch_stats: [],
    memory_usage: [],
  };
}
