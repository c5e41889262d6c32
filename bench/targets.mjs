/**
 * What the design promises. `…Us` are typical latencies by operation and door, `…Times` are ratios to
 * what stands beside them in the same run; the limits at the end are what a change may not break.
 */
export const targets = {
  healthHttpUs: 1_000,
  healthSocketUs: 50,
  smallModel: { httpUs: 2_000, socketUs: 100 },
  inferencesPerSecond: { http: 1_000, socket: 10_000, pipelined: 100_000 },
  attached: {
    syncTimes: 0.6,
    asyncTimes: 1.5,
    beyondRunUs: 3,
    largeInputTimes: 1.1,
    slowModelTimes: 1.03,
    /** Both sides asleep, against a futex ping-pong between two processes and the run. */
    asleepTimes: 1.3,
  },
  batching: { gainTimes: 3.2, noGainTimes: 0.97 },
  /** p99 of an urgent model beside a batch model, with classes and affinity against without. */
  urgentTimes: 0.35,
  /** p99 of a client beside one that floods the same model, against alone. */
  floodedTimes: 2,
  /** Of the requests per second of a bare uWebSockets.js server. */
  healthHttpShare: 0.5,
  /** Times the round trip of a bare echo. */
  healthSocketTimes: 1.25,
  /** Beside uWebSockets.js or FastAPI with the runtime in the server; bytes beside an echo of them. */
  openProtocol: { jsonTimes: 1.15, jsonShare: 1, fastApiShare: 3.2, echoTimes: 2 },
  /** Embeddings for 32 apps at once, beside one text at a time in the app's own process. */
  embeddings: { throughputTimes: 3 },
  /** Beside the library in the app's own process: tokens a second, and when the first one comes. */
  generation: { tokensTimes: 0.95, firstLaterMs: 5 },
  /** Times its weights: what a model takes, and what its task may add to one that is used in tensors. */
  memory: { secondUse: 0.5, weightsTimes: 1.3 },
  download: { shareOfCurl: 0.8, peakMb: 150, parallelTimes: 1 },
  idleCpuPercent: 0.5,
  idleRssMb: 80,
};

/** One line of the report: was the promise kept in this run? */
export function check(what, value, limit, unit = '') {
  const kept = limit.atLeast === undefined ? value <= limit.atMost : value >= limit.atLeast;
  return { what, value, ...limit, unit, kept };
}
