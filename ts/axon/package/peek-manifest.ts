import { pipeline, Readable } from 'node:stream';
import { AxonError } from '../axon-error.ts';
import { Retryable } from '../download/retry.ts';
import { readManifestEntry } from './archive.ts';
import { StreamBytes } from './byte-source.ts';
import { decompressorFor, magicBytes } from './decompressor.ts';
import { archiveError } from './tar-entries.ts';
import { tarFiles } from './tar-reader.ts';

/** The text of the manifest that an `.axon` archive begins with; of what stands behind it nothing is read. */
export async function peekManifest(
  archive: AsyncIterable<Buffer>,
  label: string,
  signal: AbortSignal,
): Promise<string> {
  const bytes = plain(archive);
  try {
    for await (const entry of tarFiles(new StreamBytes(bytes)))
      return (await readManifestEntry(entry, label)).text;
  } catch (error) {
    throw error instanceof Retryable ? error : archiveError(error, label, signal);
  } finally {
    await bytes.return(undefined);
  }
  throw new AxonError('INVALID_PACKAGE', `${label} is empty.`);
}

async function* plain(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = archive[Symbol.asyncIterator]();
  try {
    let head = Buffer.alloc(0);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      head = Buffer.concat([head, next.value]);
      if (head.length >= magicBytes) break;
    }
    const decompressor = decompressorFor(head.subarray(0, magicBytes));
    const whole = behind(head, chunks);
    if (decompressor === null) yield* whole;
    // What ends it is what its reader is told.
    else yield* pipeline(Readable.from(whole), decompressor(), () => undefined);
  } finally {
    await chunks.return?.();
  }
}

async function* behind(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
