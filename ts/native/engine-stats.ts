import { MlosError } from '../protocol/errors.ts';
import { channelLayout, type Priority, priorities } from './channel-layout.ts';
import type { Region } from './region.ts';

/** One worker thread of a model. Clock readings are nanoseconds of CLOCK_MONOTONIC. */
export interface EngineWorkerStats {
  readonly threadId: number;
  /** That its last batch ended on. */
  readonly cpu: number;
  /** When the run under way began; null: idle. */
  readonly runStartedNs: number | null;
  /** When that run was first asked to end; null: it was not. */
  readonly terminateAskedNs: number | null;
}

/** Counters of one loaded model since it was loaded, and what holds now. */
export interface EngineModelStats {
  readonly handle: number;
  /** Of the model that this is a part of, such as its weights once more; 0: it is one for itself. */
  readonly partOf: number;
  readonly priority: Priority | null;
  readonly workerCount: number;
  readonly intraOpThreads: number;
  /** The largest batch in use; 1: batching is off. */
  readonly batchLimit: number;
  /** Of the batcher: "off", "fixed", "pending", "gains", "no gain" or "unfit". */
  readonly batchVerdict: string | null;
  readonly channels: number;
  readonly queued: number;
  /** Sequences of a model that keeps states, and the bytes of these. */
  readonly sequences: number;
  readonly stateBytes: number;
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
  /** Histograms: counts per bucket of `timeBoundsUs` (the last is open). */
  readonly queueTimes: readonly number[];
  readonly runTimes: readonly number[];
  /** Counts per bucket of `batchBounds` (the last is open). */
  readonly batchSizes: readonly number[];
  readonly workers: readonly EngineWorkerStats[];
}

/** Bytes of the stats region that an engine is given. */
export function statsPageBytes(): number {
  return channelLayout().statsPage.byteLength;
}

/** Writes the header of a new stats region, before it is handed to its engine. */
export function writeStatsHeader(region: Region): void {
  const { regionHeader: at, magic, bounds } = channelLayout();
  const bytes = region.view();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setBigUint64(at.magic, magic, true);
  view.setUint32(at.version, bounds.version, true);
  view.setUint32(at.kind, at.statsKind, true);
  view.setBigUint64(at.regionBytes, BigInt(region.byteLength), true);
}

/**
 * The rows in use of an engine's stats page. The engine writes while this reads, so counters may be one
 * request apart; a hostile engine can only spoil its own figures.
 * @throws MlosError `INVALID_ARGUMENT` when the region is too small for a stats page.
 */
export function readEngineStats(region: Region): EngineModelStats[] {
  const { statsPage, modelStats, bounds } = channelLayout();
  if (region.byteLength < statsPage.byteLength) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `A stats page has ${statsPage.byteLength} bytes, the region ${region.byteLength}.`,
    );
  }
  const bytes = region.view();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: EngineModelStats[] = [];
  for (let row = 0; row < bounds.maxModels; row += 1) {
    const at = statsPage.models + row * modelStats.byteLength;
    if (view.getUint32(at + modelStats.handle, true) !== 0) rows.push(readModel(view, at));
  }
  return rows;
}

/** Exact below 2^53: more than a century of nanoseconds' sums. */
function count(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function counts(view: DataView, at: number, length: number): number[] {
  return Array.from({ length }, (_, i) => count(view, at + 8 * i));
}

function readModel(view: DataView, base: number): EngineModelStats {
  const { modelStats: at, bounds, batchVerdicts, priorities: numbers } = channelLayout();
  const word = (offset: number) => view.getUint32(base + offset, true);
  const sum = (offset: number) => count(view, base + offset);
  const verdict = word(at.batchVerdict);
  return {
    handle: word(at.handle),
    partOf: word(at.partOf),
    priority: priorities.find((name) => numbers[name] === word(at.priority)) ?? null,
    workerCount: word(at.workerCount),
    intraOpThreads: word(at.intraOpThreads),
    batchLimit: word(at.batchLimit),
    batchVerdict:
      Object.keys(batchVerdicts).find((name) => batchVerdicts[name] === verdict) ?? null,
    channels: word(at.channels),
    queued: word(at.queued),
    sequences: word(at.sequences),
    stateBytes: sum(at.stateBytes),
    requests: sum(at.requests),
    succeeded: sum(at.succeeded),
    failed: sum(at.failed),
    cancelled: sum(at.cancelled),
    expired: sum(at.expired),
    rejected: sum(at.rejected),
    batches: sum(at.batches),
    inputBytes: sum(at.inputBytes),
    outputBytes: sum(at.outputBytes),
    queueNs: sum(at.queueNs),
    runNs: sum(at.runNs),
    queueTimes: counts(view, base + at.queueTimes, bounds.timeBuckets),
    runTimes: counts(view, base + at.runTimes, bounds.timeBuckets),
    batchSizes: counts(view, base + at.batchSizes, bounds.batchBuckets),
    workers: readWorkers(view, base + at.workers),
  };
}

function readWorkers(view: DataView, base: number): EngineWorkerStats[] {
  const { workerStats: at, bounds } = channelLayout();
  const workers: EngineWorkerStats[] = [];
  for (let i = 0; i < bounds.maxWorkers; i += 1) {
    const worker = base + i * at.byteLength;
    const threadId = view.getUint32(worker + at.threadId, true);
    if (threadId === 0) continue;
    workers.push({
      threadId,
      cpu: view.getUint32(worker + at.cpu, true),
      runStartedNs: count(view, worker + at.runStartedNs) || null,
      terminateAskedNs: count(view, worker + at.terminateAskedNs) || null,
    });
  }
  return workers;
}

const sums = [
  ...(['workerCount', 'channels', 'queued', 'sequences', 'stateBytes', 'requests'] as const),
  ...(['succeeded', 'failed', 'cancelled', 'expired', 'rejected', 'batches'] as const),
  ...(['inputBytes', 'outputBytes', 'queueNs', 'runNs'] as const),
] as const;

function added(counts: readonly number[], more: readonly number[]): number[] {
  return counts.map((one, i) => one + (more[i] ?? 0));
}

/** What a model and its parts do together; how it is served is the model's own. */
export function withParts(
  model: EngineModelStats,
  rows: readonly EngineModelStats[],
): EngineModelStats {
  let whole = model;
  for (const part of rows.filter(({ partOf }) => partOf === model.handle)) {
    const counts = Object.fromEntries(sums.map((key) => [key, whole[key] + part[key]]));
    whole = {
      ...whole,
      ...(counts as Pick<EngineModelStats, (typeof sums)[number]>),
      queueTimes: added(whole.queueTimes, part.queueTimes),
      runTimes: added(whole.runTimes, part.runTimes),
      batchSizes: added(whole.batchSizes, part.batchSizes),
      workers: [...whole.workers, ...part.workers],
    };
  }
  return whole;
}
