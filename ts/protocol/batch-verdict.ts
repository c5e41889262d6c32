/**
 * How an engine came to its batch limit: switched off, fixed by the caller, or of auto: not measured
 * yet, gains, gains nothing, or unfit because joined requests give other answers or shapes forbid it.
 */
export const batchVerdicts = ['off', 'fixed', 'pending', 'gains', 'no_gain', 'unfit'] as const;
export type BatchVerdict = (typeof batchVerdicts)[number];
