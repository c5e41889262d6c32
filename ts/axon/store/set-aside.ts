import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { StoreLayout } from './layout.ts';
import { tryLock } from './lock.ts';
import { namesIn } from './names-in.ts';
import { modelSetAside, Staging } from './staging.ts';

/** Between the two renames of a replacement lie microseconds, unless the one that makes it stands still. */
const patienceMs = 5_000;
const pollMs = 20;

/** Puts back what replacements that were cut off have set aside. What cannot be put back is told. */
export async function putBackAll(
  layout: StoreLayout,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<void> {
  // Who needs a staging folder that cannot be read says so.
  for (const key of namesIn(layout.staging, () => undefined)) {
    try {
      await putBack(layout, key, signal);
    } catch (error) {
      signal.throwIfAborted();
      warn(
        `${path.join(layout.staging, key)} holds a model that was being replaced, which is not put back: ${AxonError.from(error).message}`,
      );
    }
  }
}

async function putBack(layout: StoreLayout, key: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const id = modelSetAside(layout, key);
    if (id === null) return;
    const lock = await tryLock(layout.lockOfKey(key), signal);
    if (lock !== null) {
      try {
        return new Staging(layout, id).recover();
      } finally {
        lock.release();
      }
    }
    if (performance.now() >= until)
      throw new AxonError('BUSY', `another axon works on ${formatModelId(id)} and stands still.`);
    await sleep(pollMs, undefined, { signal });
  }
}
