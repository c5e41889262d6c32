import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import { MlosError } from '../../protocol/errors.ts';
import { AxonError } from '../axon-error.ts';
import { type ArchiveFile, mayUnpackTo } from './archive-limits.ts';
import { type ByteSource, FileBytes, StreamBytes } from './byte-source.ts';
import { type Decompressor, decompressorFor, magicBytes } from './decompressor.ts';
import { TarFault } from './tar-header.ts';
import { tarFiles } from './tar-reader.ts';

/**
 * Gives the regular files of a tar, tar.gz or tar.zst archive to `each`, in order. Folders are skipped; what could
 * do harm is refused (tar-reader.ts). Nothing is written and no name is trusted here. What `each` leaves
 * is passed over.
 */
export async function readTar(
  file: string,
  label: string,
  each: (entry: ArchiveFile) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const handle = await fs.open(file);
  try {
    const { size } = await handle.stat();
    const { buffer: head } = await handle.read(Buffer.alloc(magicBytes), 0, magicBytes, 0);
    const decompressor = decompressorFor(head);
    const source: ByteSource =
      decompressor === null
        ? new FileBytes(handle, size, signal)
        : new StreamBytes(unpacked(file, decompressor(), { size, label, signal }));
    for await (const entry of tarFiles(source)) {
      signal.throwIfAborted();
      await each(entry);
    }
  } catch (error) {
    throw archiveError(error, label, signal);
  } finally {
    await handle.close();
  }
}

/** What went wrong with an archive, as an error of ours. */
export function archiveError(error: unknown, label: string, signal: AbortSignal): AxonError {
  if (error instanceof AxonError || signal.aborted) return AxonError.from(error);
  if (error instanceof TarFault && error.isUnsafe)
    return new AxonError('UNSAFE_PACKAGE', `${label}: ${error.message}. Nothing was installed.`);
  if (error instanceof MlosError)
    return new AxonError('INVALID_PACKAGE', error.message, { cause: error });
  // Errors with a system call are the disk's; the rest is about the archive.
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return AxonError.from(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new AxonError('INVALID_PACKAGE', `${label} is not a whole tar archive: ${reason}.`, {
    cause: error,
  });
}

async function* unpacked(
  file: string,
  plain: Decompressor,
  { size, label, signal }: { size: number; label: string; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const raw = createReadStream(file, { signal });
  raw.pipe(plain);
  raw.on('error', (error) => plain.destroy(error));
  const most = mayUnpackTo(size);
  let bytes = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > most)
        throw new AxonError('UNSAFE_PACKAGE', `${label} unpacks to far more than its size.`);
      yield chunk;
    }
    if (plain.bytesWritten < size) throw new TarFault('there are bytes behind its end', true);
  } finally {
    raw.destroy();
    plain.destroy();
  }
}
