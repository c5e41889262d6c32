/**
 * What the design promises. `…Us` are typical latencies by operation and door; the limits at the end
 * are what a change may not break.
 */
export const targets = {
  healthHttpUs: 1_000,
  healthSocketUs: 50,
  smallModel: { httpUs: 2_000, socketUs: 100 },
  largeModel: { httpUs: 50_000, socketUs: 10_000 },
  inferencesPerSecond: { http: 1_000, socket: 10_000 },
  /** Of the requests per second of a bare uWebSockets.js server. */
  healthHttpShare: 0.5,
  /** Times the round trip of a bare echo. */
  healthSocketTimes: 1.25,
  idleCpuPercent: 0.5,
  idleRssMb: 80,
};

/** One line of the report: was the promise kept in this run? */
export function check(what, value, limit, unit = '') {
  const kept = limit.atLeast === undefined ? value <= limit.atMost : value >= limit.atLeast;
  return { what, value, ...limit, unit, kept };
}
