import { limits } from '../../protocol/limits.ts';

/** Bounds of one plugin host; the names that `limits` has mean the same here. */
export const hostLimits = {
  pluginQueue: limits.pluginQueue,
  pluginQueueBytes: limits.pluginQueueBytes,
  tasksUnderWay: limits.tasksUnderWay,
  pluginStartMs: limits.pluginStartMs,
  pluginStopMs: limits.pluginStopMs,
  modelLoadMs: limits.modelLoadMs,
  heartbeatMs: limits.heartbeatMs,
  heartbeatMisses: limits.heartbeatMisses,
  backoffMinMs: limits.backoffMinMs,
  backoffMaxMs: limits.backoffMaxMs,
  backoffResetMs: limits.backoffResetMs,
  circuitCrashes: limits.circuitCrashes,
  /** A request past its deadline has this long to end by itself before its process is killed, in ms. */
  overdueGraceMs: 2_000,
  /** A run that goes on so long after it was asked to end, whoever had asked for it, takes the process along. */
  stuckRunMs: 30_000,
  /** The daemon's channel to a model that is larger than at first is made small after so long, in ms. */
  channelIdleMs: 10_000,
  /** After the first sign of death, how long the rest of the output is waited for, in ms. */
  deathSettleMs: 25,
  /** Reloads of one model that may crash the process before the model is left out. */
  reloadCrashes: 2,
  /** Mirrored output of a plugin: characters of a line, lines per second. */
  logLineLength: 4_096,
  logLinesPerSecond: 100,
} as const;

export type HostLimits = { readonly [K in keyof typeof hostLimits]: number };
