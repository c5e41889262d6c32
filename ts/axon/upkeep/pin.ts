import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import type { Installed } from '../store/catalog.ts';
import { acquireLock } from '../store/lock.ts';
import { readMetadata, replaceMetadata } from '../store/metadata.ts';

/** Whether `axon update` leaves the model as it is, from now on. */
export async function setPinned(
  { id, dir }: Installed,
  isPinned: boolean,
  { layout, output, signal }: Context,
): Promise<void> {
  const lock = await acquireLock(layout.lockName(id), {
    waitMs: 60_000,
    signal,
    onWait: () => output.note(`Another axon works on ${formatModelId(id)}; waiting for it.`),
  });
  try {
    const metadata = readMetadata(dir);
    if (metadata === null)
      throw new AxonError(
        'INVALID_PACKAGE',
        `${formatModelId(id)} was installed by an earlier release. \`axon cache import\` takes it over.`,
      );
    const { pinned: _, ...rest } = metadata;
    replaceMetadata(layout, dir, isPinned ? { ...rest, pinned: true } : rest);
  } finally {
    lock.release();
  }
}
