import { availableParallelism } from 'node:os';
import type { Model } from './llama-cpp.ts';

/**
 * Threads of llama.cpp wait for each other by spinning, on the cores that everything else needs, too. On two cores
 * the second one costs 15 ms a token, which is more than it brings below some hundred megabytes of weights.
 */
const smallModelBytes = 256 * 1024 ** 2;

/** `asked`: by the model's options; 0: nobody did. */
export function threadsFor({ size }: Model, asked: number): number {
  if (asked > 0) return asked;
  return size < smallModelBytes ? 1 : availableParallelism();
}
