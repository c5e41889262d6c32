import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { Pin } from '../hubs/hub.ts';
import { acquireLock, type Lock } from '../store/lock.ts';

/**
 * One install at a time brings a revision of a source, whatever the models are called that it becomes: who comes
 * second finds its files in the store. Null where that saves nothing: for files of this machine, and after a wait
 * for somebody else that took as long as fetching would.
 */
export async function lockSource(
  { hub, id, revision }: Pin,
  waitMs: number,
  { layout, output, signal }: Context,
): Promise<Pick<Lock, 'release'> | null> {
  if (hub === 'file') return null;
  const name = `${hub}/${id}${revision === null ? '' : ` at ${revision}`}`;
  try {
    return await acquireLock(layout.sourceLockName(JSON.stringify([hub, id, revision])), {
      waitMs,
      signal,
      onWait: () => output.note(`Another axon brings ${name}; waiting for it.`),
    });
  } catch (error) {
    if (error instanceof AxonError && error.code === 'BUSY') return null;
    throw error;
  }
}
