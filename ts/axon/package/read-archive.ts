import { AxonError } from '../axon-error.ts';
import { beginning } from '../download/fetch-json.ts';
import { archiveKind } from './archive-kind.ts';
import type { ArchiveFile } from './archive-limits.ts';
import { readTar } from './tar-entries.ts';
import { readZip } from './zip-entries.ts';

const shownBytes = 40;

/** Reads a zip or a tar, whichever it is: names and media types of archives are often wrong, their bytes are not. */
export async function readArchive(
  file: string,
  label: string,
  each: (entry: ArchiveFile) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { kind, head } = archiveKind(file);
  if (kind === null)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label} is no archive, neither zip nor tar: it begins with ${beginning(head.subarray(0, shownBytes))}.`,
    );
  await (kind === 'zip' ? readZip : readTar)(file, label, each, signal);
}
