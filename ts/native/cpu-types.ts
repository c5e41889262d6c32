/** One logical processor, which is what affinity counts. */
export interface LogicalCpu {
  readonly id: number;
  readonly packageId: number | null;
  /** Numbered within its package. */
  readonly coreId: number | null;
  readonly numaNode: number | null;
  /** The logical processors of the same core, this one included. Empty when unknown. */
  readonly threadSiblings: readonly number[];
}

export interface NumaNode {
  readonly id: number;
  readonly cpus: readonly number[];
  readonly memoryTotalBytes: number | null;
  readonly memoryFreeBytes: number | null;
}

export interface CpuCache {
  readonly level: number;
  /** "Data", "Instruction" or "Unified". */
  readonly type: string;
  readonly sizeBytes: number | null;
  readonly sharedCpus: readonly number[];
}

export interface CpuTopology {
  readonly modelName: string | null;
  readonly online: readonly number[];
  readonly cpus: readonly LogicalCpu[];
  readonly numaNodes: readonly NumaNode[];
  /** Each cache once, however many processors share it. */
  readonly caches: readonly CpuCache[];
}

/** sched(7): `other`, `batch` and `idle` share by nice; `fifo` and `rr` pre-empt those. */
export type SchedulingPolicy = 'other' | 'batch' | 'idle' | 'fifo' | 'rr';

export interface Scheduling {
  readonly policy: SchedulingPolicy;
  /** 1 to 99, higher first, for `fifo` and `rr`; 0 for the others. */
  readonly priority: number;
}

/**
 * Whom a setting is for. Linux keeps these per thread: `process` writes to every thread of it and
 * reads from its main thread; `thread` is one thread, 0 the calling one.
 */
export type CpuTarget = { readonly process: number } | { readonly thread: number };
