import type { TaskContext } from './task-context.ts';

/** So many labels where nobody says. */
const defaultTopK = 5;

export function best<T extends { readonly score: number }>(list: readonly T[], k: number): T[] {
  return [...list].sort((a, b) => b.score - a.score).slice(0, k);
}

export function topKOf({ request }: TaskContext): number {
  return (request.parameters['top_k'] as number | undefined) ?? defaultTopK;
}
