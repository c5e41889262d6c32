import { setMaxListeners } from 'node:events';

/**
 * Works on `count` items at a time; the answers in the order of the items. The first failure stops the
 * others through their signal, and is thrown when all of them have ended: nobody writes afterwards.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  { count, signal }: { readonly count: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  setMaxListeners(0, both); // One for each connection.
  const results: R[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | null = null;
  const lane = async () => {
    while (next < items.length && !both.aborted) {
      const at = next++;
      try {
        results[at] = await work(items[at] as T, both);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, lane));
  signal.throwIfAborted();
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return results;
}
