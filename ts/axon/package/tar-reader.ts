import { limits } from '../../protocol/limits.ts';
import type { ByteSource } from './byte-source.ts';
import {
  assertExtensionSize,
  type Extension,
  extended,
  readLongName,
  readPax,
} from './tar-extension.ts';
import { blockBytes, isZero, readHeader, TarFault, type TarHeader } from './tar-header.ts';

export interface TarFileEntry {
  readonly name: string;
  readonly size: number;
  readonly body: AsyncIterable<Buffer>;
}

/*
 * 1. Regular files and folders only. Links, devices, pipes, sparse entries and set-user-ID files are
 *    refused, not skipped: whoever made them wanted something by them.
 * 2. The archive ends with a block of zeros and nothing but zeros after it.
 * 3. Nothing grows with what the archive says: bodies are streamed, extensions and entries are counted.
 */
export async function* tarFiles(source: ByteSource): AsyncGenerator<TarFileEntry> {
  let entries = 0;
  for (;;) {
    const header = await nextHeader(source);
    if (header === null) return;
    entries += 1;
    if (entries > limits.archiveEntries)
      throw new TarFault(`it has more than ${limits.archiveEntries} entries`, true);
    if (header.type === '5' || (header.type === '0' && header.name.endsWith('/'))) {
      if (header.size > 0) throw new TarFault('a folder has a content', true);
      continue;
    }
    refuseSpecial(header);
    const body = bodyOf(source, header.size);
    yield { name: header.name, size: header.size, body: body.read() };
    await skip(source, body.left());
    await skip(source, padding(header.size));
  }
}

/** The next entry with what stands before it, or null at the end (rule 2). */
async function nextHeader(source: ByteSource): Promise<TarHeader | null> {
  let extension: Extension = {};
  for (let before = 0; before <= mostExtensions; before++) {
    const block = await takeAll(source, blockBytes);
    if (isZero(block)) {
      await requireZeros(source);
      return null;
    }
    const header = readHeader(block);
    if (!'xgLK'.includes(header.type)) return extended(header, extension);
    extension = { ...extension, ...(await readExtension(source, header)) };
  }
  throw new TarFault('an entry has too many extended headers', true);
}

/** Of each kind one stands before an entry; some writers add one for the whole archive. */
const mostExtensions = 8;

async function readExtension(source: ByteSource, { type, size }: TarHeader): Promise<Extension> {
  assertExtensionSize(size);
  const body = await takeAll(source, size);
  await skip(source, padding(size));
  // A link's long name ('K') is of no use: links are refused.
  if (type === 'K') return {};
  return type === 'L' ? readLongName(body) : readPax(body, type === 'g');
}

async function takeAll(source: ByteSource, count: number): Promise<Buffer> {
  const bytes = await source.take(count);
  if (bytes.length < count) throw new TarFault('it is cut');
  return bytes;
}

async function requireZeros(source: ByteSource): Promise<void> {
  for (;;) {
    const rest = await source.some(64 * 1024);
    if (rest.length === 0) return;
    if (!isZero(rest)) throw new TarFault('there are bytes behind its end', true);
  }
}

const specials: Readonly<Record<string, string>> = {
  '1': 'link',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '6': 'fifo',
  S: 'sparse file',
};

/** Rule 1. */
function refuseSpecial({ name, type, mode }: TarHeader): void {
  const shown = JSON.stringify(name.slice(0, 200));
  if (type !== '0' && type !== '7')
    throw new TarFault(
      `${shown} is a ${specials[type] ?? 'special file'}; only regular files are taken`,
      true,
    );
  if ((mode & 0o6000) !== 0)
    throw new TarFault(`${shown} is a set-user-ID or set-group-ID file`, true);
}

function bodyOf(source: ByteSource, size: number) {
  let left = size;
  return {
    left: () => left,
    async *read(): AsyncGenerator<Buffer> {
      while (left > 0) {
        const piece = await source.some(left);
        if (piece.length === 0) throw new TarFault('it is cut');
        left -= piece.length;
        yield piece;
      }
    },
  };
}

const padding = (size: number) => (blockBytes - (size % blockBytes)) % blockBytes;

async function skip(source: ByteSource, count: number): Promise<void> {
  if (count > 0 && !(await source.skip(count))) throw new TarFault('it is cut');
}
