import fs from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { limits } from '../../protocol/limits.ts';
import { AxonError } from '../axon-error.ts';
import { type ArchiveFile, mayUnpackTo } from './archive-limits.ts';

/** The file type of Unix modes, which zip keeps in the upper half of its attributes. */
const typeMask = 0o170000;
const regularFile = 0o100000;
const folder = 0o040000;
/** Set-user-ID, set-group-ID, sticky. */
const specialBits = 0o7000;

/**
 * Gives the regular files of a zip archive to `each`, in the order of its list. Folders are skipped; links,
 * devices and encrypted entries are refused, and so is more than the archive's size can honestly hold.
 * Nothing is written and no name is trusted here.
 */
export async function readZip(
  file: string,
  label: string,
  each: (entry: ArchiveFile) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { size } = await fs.stat(file);
  let zip: ZipFile | null = null;
  try {
    // Names as bytes: what is dangerous in one is for the caller to refuse, not for a parser to repair.
    zip = await openPromise(file, { decodeStrings: false, autoClose: false });
    if (zip.entryCount > 10 * limits.packageFiles)
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${label} has more than ${10 * limits.packageFiles} entries.`,
      );
    const most = mayUnpackTo(size);
    let bytes = 0;
    const refuseBoth = bothRefuser(label);
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted();
      const name = nameOf(entry, label);
      refuseSpecial(entry, name, label);
      refuseBoth(name);
      if (name.endsWith('/')) continue;
      bytes += entry.uncompressedSize;
      if (bytes > most)
        throw new AxonError('UNSAFE_PACKAGE', `${label} unpacks to far more than its size.`);
      await requireSameName(zip, entry, label);
      await each({ name, size: entry.uncompressedSize, body: checked(zip, entry, name) });
    }
  } catch (error) {
    if (error instanceof AxonError || signal.aborted) throw AxonError.from(error);
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw AxonError.from(error);
    const reason = error instanceof Error ? error.message : String(error);
    throw new AxonError('INVALID_PACKAGE', `${label} is not a whole zip archive: ${reason}.`, {
      cause: error,
    });
  } finally {
    zip?.close();
  }
}

/** The name in the list and the one before the bytes: readers differ in which of the two they take. */
async function requireSameName(zip: ZipFile, entry: Entry, label: string): Promise<void> {
  const { fileName } = await zip.readLocalFileHeaderPromise(entry, { minimal: false });
  if (fileName.equals(entry.fileNameRaw)) return;
  throw new AxonError(
    'UNSAFE_PACKAGE',
    `${label}: ${JSON.stringify(nameOf(entry, label))} has another name before its bytes than in the list.`,
  );
}

function nameOf({ fileNameRaw }: Entry, label: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(fileNameRaw);
  } catch {
    throw new AxonError('UNSAFE_PACKAGE', `${label} has a name that is not UTF-8.`);
  }
}

/** Refuses a name that comes as a file and as a folder. */
function bothRefuser(label: string): (name: string) => void {
  const kinds = new Map<string, boolean>();
  return (name) => {
    const isFolder = name.endsWith('/');
    const bare = name.replace(/\/+$/, '');
    if ((kinds.get(bare) ?? isFolder) !== isFolder)
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${label}: ${JSON.stringify(bare)} is a file and a folder.`,
      );
    kinds.set(bare, isFolder);
  };
}

function refuseSpecial(entry: Entry, name: string, label: string): void {
  const mode = entry.externalFileAttributes >>> 16;
  const type = mode & typeMask;
  const isFolder = name.endsWith('/');
  const refuse = (why: string): never => {
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `${label}: ${JSON.stringify(name)} ${why}; only regular files are taken.`,
    );
  };
  if (entry.isEncrypted()) refuse('is encrypted');
  if (type !== 0 && type !== (isFolder ? folder : regularFile)) refuse('is a link or special file');
  if (!isFolder && (mode & specialBits) !== 0)
    refuse('has set-user-ID, set-group-ID or sticky bits');
  if (isFolder && entry.uncompressedSize > 0) refuse('is a folder with content');
}

/** The bytes of one entry; they must have the checksum that the archive states. */
async function* checked(zip: ZipFile, entry: Entry, name: string): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    sum = crc32(chunk as Buffer, sum);
    yield chunk as Buffer;
  }
  if (sum !== entry.crc32) throw new Error(`the checksum of ${JSON.stringify(name)} is wrong`);
}
