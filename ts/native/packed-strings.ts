import { MlosError } from '../protocol/errors.ts';

/*
 * The form that string tensors have in shared memory: one uint32 length per element (little-endian),
 * then the UTF-8 bytes of all, one after the other.
 */

const lengthBytes = 4;

/** Bytes of `list` in packed form. */
export function packedByteLength(list: readonly string[]): number {
  let bytes = list.length * lengthBytes;
  for (const text of list) bytes += Buffer.byteLength(text);
  return bytes;
}

/** Writes `list` into `target`, which has `packedByteLength(list)` bytes. */
export function packStringsInto(list: readonly string[], target: Uint8Array): void {
  const buffer = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  let at = list.length * lengthBytes;
  for (const [i, text] of list.entries()) {
    const written = buffer.write(text, at);
    buffer.writeUInt32LE(written, i * lengthBytes);
    at += written;
  }
}

export function packStrings(list: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(packedByteLength(list));
  packStringsInto(list, bytes);
  return bytes;
}

/**
 * The `count` strings in `bytes`, which may lie in memory that another process writes: every length is
 * read once and checked.
 * @throws MlosError `INVALID_VALUE` when the lengths do not fill the bytes exactly.
 */
export function unpackStrings(bytes: Uint8Array, count: number): string[] {
  const invalid = () =>
    new MlosError(
      'INVALID_VALUE',
      `${bytes.byteLength} bytes are not the packed form of ${count} strings.`,
    );
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = count * lengthBytes;
  if (at > buffer.length) throw invalid();
  const list = new Array<string>(count);
  for (let i = 0; i < count; i += 1) {
    const end = at + buffer.readUInt32LE(i * lengthBytes);
    if (end > buffer.length) throw invalid();
    list[i] = buffer.toString('utf8', at, end);
    at = end;
  }
  if (at !== buffer.length) throw invalid();
  return list;
}
