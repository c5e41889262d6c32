import type { Priority } from '../../protocol/methods/shared-schemas.ts';

/** What was asked of the kernel for a model and what came of it. */
export interface AppliedMeasure {
  readonly name: string;
  readonly outcome: string;
  readonly detail: string;
}

export interface EngineWorker {
  readonly threadId: number;
  readonly cpu: number;
  /** Monotonic nanoseconds; 0: no run is under way, or it was not asked to end. */
  readonly runStartedNs: number;
  readonly terminateAskedNs: number;
}

/** One model's row of an engine's stats page. Counts grow from the load on; times are nanoseconds. */
export interface EngineCounters {
  readonly priority: Priority;
  readonly intraOpThreads: number;
  readonly batchLimit: number;
  readonly batchVerdict: 'off' | 'fixed' | 'pending' | 'gains' | 'no_gain' | 'unfit';
  readonly channels: number;
  readonly queued: number;
  readonly requests: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly expired: number;
  readonly rejected: number;
  readonly batches: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly queueNs: number;
  readonly runNs: number;
  readonly queueTimes: readonly number[];
  readonly runTimes: readonly number[];
  readonly batchSizes: readonly number[];
  readonly workers: readonly EngineWorker[];
}

/** A model in a plugin's engine. */
export interface EngineModelFacts {
  readonly modelId: string;
  readonly runner: string;
  readonly measures: readonly AppliedMeasure[];
  /** Null between its load and the first look at the page. */
  readonly counters: EngineCounters | null;
}
