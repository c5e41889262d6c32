import { limits } from '../protocol/limits.ts';

/** Bounds of the link between the daemon and one plugin process. */
export const smiLimits = {
  /**
   * One frame in bytes, tensors inline included. Above the IPC limit, since answers can be larger than
   * what came in; below 2 GiB, the largest buffer that every supported Node takes in one write.
   */
  frameBytes: 1024 * 1024 * 1024,
  /** Strings in all tensors of one message: each is a msgpack value, and those are bounded per frame. */
  strings: limits.msgpackNodes - 10_000,
  /** Requests that a plugin may ask to have at once. */
  concurrency: 64,
  /** Length of names, versions, formats and the like in hello. */
  wordLength: 128,
  /** Entries in the lists of hello. */
  words: 64,
  /** Encoded size of the free-form facts that a plugin gives: model metadata, error details. */
  factsBytes: 64 * 1024,
  /** Length of what is said of one measure of the kernel side. */
  measureDetailLength: 1_000,
  /** Length of a dimension's symbolic name. */
  dimNameLength: 256,
  /** Tensors from this size on are laid out so that their elements need no copy to be aligned. */
  alignFromBytes: 4_096,
  /** Frames up to this size are joined into one write; larger ones go out as they lie, uncopied. */
  joinBytes: 64 * 1024,
} as const;
