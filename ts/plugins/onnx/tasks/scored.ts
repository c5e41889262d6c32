import { noNumbers } from '../../vectors.ts';
import type { TaskContext } from './task-context.ts';

/** So many labels where nobody says. */
const defaultTopK = 5;

export function best<T extends { readonly score: number }>(list: readonly T[], k: number): T[] {
  return [...list].sort((a, b) => b.score - a.score).slice(0, k);
}

/** A result all of whose numbers are some: JSON could not say others. Errors: INFERENCE_FAILED. */
export function requireNumbers<T>(result: T): T {
  if (typeof result === 'number') {
    if (!Number.isFinite(result)) throw noNumbers();
  } else if (typeof result === 'object' && result !== null && !ArrayBuffer.isView(result)) {
    for (const part of Object.values(result)) requireNumbers(part);
  }
  return result;
}

export function topKOf({ request }: TaskContext): number {
  return (request.parameters['top_k'] as number | undefined) ?? defaultTopK;
}
