import { constants, inflateRawSync } from 'node:zlib';
import { type ByteSource, InMemory, Part } from './byte-source.ts';
import { Cursor } from './cursor.ts';
import { FormatError } from './read-file.ts';

/*
 * The list of a zip archive, read from its end, as those who load models read it.
 * 1. Nothing that an archive says of itself is believed: entries lie inside the file, before the list,
 *    and do not overlap; no name comes twice; an unpacked entry is no larger than it says and than asked.
 * 2. Nothing is written anywhere.
 */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly packed: number;
  readonly method: number;
  readonly header: number;
}

const endBytes = 22;
const maxEntries = 200_000;
const maxListBytes = 64 * 1024 * 1024;
const wide = 0xffff_ffff;

export function readZip(bytes: ByteSource): ReadonlyMap<string, ZipEntry> {
  const { at, size, count } = findList(bytes);
  if (count > maxEntries || size > maxListBytes)
    throw new FormatError(`a list of ${count} entries`);
  const cursor = new Cursor(new Part(bytes, at, size));
  const entries = new Map<string, ZipEntry>();
  for (let index = 0; index < count; index++) {
    const entry = readEntry(cursor);
    if (entries.has(entry.name)) throw new FormatError(`the entry ${entry.name} comes twice`);
    entries.set(entry.name, entry);
  }
  requireApart([...entries.values()], at);
  return entries;
}

/**
 * What of the bytes may be a zip: all of them, and, where something stands before the archive that its numbers leave
 * out, what comes behind that. Some loaders read one, some the other; both may be there, or none.
 */
export function zipsIn(bytes: ByteSource): ByteSource[] {
  const { end, mark } = findEnd(bytes);
  if (mark < 0) return [];
  const before =
    bytes.size - end.length + mark - end.readUInt32LE(mark + 12) - end.readUInt32LE(mark + 16);
  return before > 0 ? [bytes, new Part(bytes, before, bytes.size - before)] : [bytes];
}

/** The last bytes, and where in them the record begins that ends an archive; negative where there is none. */
function findEnd(bytes: ByteSource): { end: Buffer; mark: number } {
  const tail = Math.min(bytes.size, endBytes + 0xffff);
  const end = Buffer.from(bytes.read(bytes.size - tail, tail));
  const last = tail - endBytes;
  return { end, mark: last < 0 ? -1 : end.lastIndexOf('PK\x05\x06', last, 'latin1') };
}

function findList(bytes: ByteSource): { at: number; size: number; count: number } {
  const { end, mark } = findEnd(bytes);
  if (mark < 0) throw new FormatError('a zip without its list');
  const count = end.readUInt16LE(mark + 10);
  const size = end.readUInt32LE(mark + 12);
  const at = end.readUInt32LE(mark + 16);
  const locator = mark - 20;
  if (locator < 0 || end.toString('latin1', locator, locator + 4) !== 'PK\x06\x07')
    return { at, size, count };
  const cursor = new Cursor(bytes, Number(end.readBigUInt64LE(locator + 8)));
  if (cursor.take(4).toString('latin1') !== 'PK\x06\x06') throw new FormatError('a broken zip64');
  cursor.skip(28);
  const entries = cursor.u64();
  const listSize = cursor.u64();
  return { at: cursor.u64(), size: listSize, count: entries };
}

function readEntry(cursor: Cursor): ZipEntry {
  const head = Buffer.from(cursor.take(46));
  if (head.toString('latin1', 0, 4) !== 'PK\x01\x02') throw new FormatError('a broken zip list');
  if ((head.readUInt16LE(8) & 1) !== 0) throw new FormatError('an encrypted zip');
  const name = cursor.take(head.readUInt16LE(28)).toString('utf8');
  const extra = Buffer.from(cursor.take(head.readUInt16LE(30)));
  cursor.skip(head.readUInt16LE(32));
  const sizes = {
    size: head.readUInt32LE(24),
    packed: head.readUInt32LE(20),
    header: head.readUInt32LE(42),
  };
  return { name, method: head.readUInt16LE(10), ...widened(sizes, extra) };
}

type Sizes = Pick<ZipEntry, 'size' | 'packed' | 'header'>;

/** Numbers that do not fit stand in the extra field 1, in this order. */
function widened(sizes: Sizes, extra: Buffer): Sizes {
  const fields = new Cursor(new InMemory(extra));
  while (fields.left >= 4) {
    const id = fields.u16();
    const length = fields.u16();
    if (id !== 1) {
      fields.skip(length);
      continue;
    }
    const next = (value: number) => (value === wide ? fields.u64() : value);
    return { size: next(sizes.size), packed: next(sizes.packed), header: next(sizes.header) };
  }
  return sizes;
}

/** Rule 1. */
function requireApart(entries: readonly ZipEntry[], listAt: number): void {
  let end = 0;
  for (const entry of entries.toSorted((a, b) => a.header - b.header)) {
    if (entry.header < end) throw new FormatError(`the entry ${entry.name} overlaps another`);
    end = entry.header + 30 + entry.packed;
    if (end > listAt) throw new FormatError(`the entry ${entry.name} reaches past the end`);
  }
}

function contentOf(bytes: ByteSource, entry: ZipEntry): Part {
  const head = new Cursor(bytes, entry.header);
  if (head.take(4).toString('latin1') !== 'PK\x03\x04') throw new FormatError('a broken zip entry');
  head.skip(22);
  const nameBytes = head.u16();
  const start = head.at + 2 + nameBytes + head.u16();
  return new Part(bytes, start, entry.packed);
}

/** The bytes of an entry; packed ones are unpacked into memory, up to `most`. */
export function openEntry(bytes: ByteSource, entry: ZipEntry, most: number): ByteSource {
  const packed = contentOf(bytes, entry);
  if (entry.method === 0) return packed;
  if (entry.method !== 8 || entry.size > most || entry.packed > most)
    throw new FormatError(`the entry ${entry.name} is packed in a way that is not read`);
  try {
    return new InMemory(
      inflateRawSync(packed.read(0, packed.size), { maxOutputLength: Math.max(1, entry.size) }),
    );
  } catch (error) {
    throw new FormatError(`the entry ${entry.name} cannot be unpacked`, { cause: error });
  }
}

const headBytes = 4 * 1024;

/** How an entry begins: less than all of it, of a packed one whatever its first bytes give. */
export function beginOf(bytes: ByteSource, entry: ZipEntry): Buffer {
  const packed = contentOf(bytes, entry);
  const first = Buffer.from(packed.read(0, Math.min(headBytes, packed.size)));
  if (entry.method === 0) return first;
  if (entry.method !== 8)
    throw new FormatError(`the entry ${entry.name} is packed in a way that is not read`);
  try {
    return inflateRawSync(first, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw new FormatError(`the entry ${entry.name} cannot be unpacked`, { cause: error });
  }
}
