/*
 * Where the addon and client-channel.ts hand each other numbers without making objects: one Float64Array
 * per channel. The indices are those of native/src/napi/channel_mailbox.h; a test compares the two.
 */
export const mailbox = {
  requestId: 0,
  status: 1,
  /** Words of the answer's outputs, from `body` on. */
  outputWords: 2,
  outputCount: 3,
  /** Of the answer's block; −1: there is nothing to release. */
  releaseOffset: 4,
  queueNs: 5,
  runNs: 6,
  batch: 7,
  /** Blocks that JavaScript has given back since the last call: their number, their offsets. */
  releaseCount: 8,
  releases: 9,
  maxReleases: 32,
  /**
   * Answers: index, dtype, offset in the response buffer, bytes, rank and dimensions of each output.
   * prepare(): priority, count and indices of the outputs wanted, count of inputs; for each its index,
   * dtype, bytes, rank and dimensions; the addon puts the inputs' offsets in the request buffer there.
   */
  body: 48,
} as const;

/** What a native call answers in place of a request id or of success. */
export const callFault = {
  /** The request of this block is not answered yet. */
  busy: -1,
  /** The block has been freed. */
  freed: -2,
  /** The channel is closed, and nothing is left to poll. */
  closed: -3,
  timeout: -4,
  /** As many requests are unanswered as a channel has slots. */
  full: -5,
  /** prepare(): the arena has no room. */
  noRoom: -6,
  /** prepare(): the description of the tensors is wrong. */
  invalid: -7,
} as const;
