import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipFileEntry {
  readonly name: string;
  readonly data?: Buffer;
  /** A Unix mode, such as that of a symbolic link. */
  readonly mode?: number;
  readonly encrypted?: boolean;
  /** A lie about the checksum or the unpacked size. */
  readonly crc?: number;
  readonly size?: number;
  /** Another name before the bytes than in the list. */
  readonly localName?: string;
}

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, index * 2);
  return bytes;
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, index * 4);
  return bytes;
}

/** A zip from entries exactly as given, hostile ones too. */
export function makeZip(entries: readonly ZipFileEntry[]): Buffer {
  const bodies: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const { name, data = Buffer.alloc(0), mode = 0o100644, encrypted = false } = entry;
    const packed = deflateRawSync(data);
    const title = Buffer.from(name);
    const localTitle = Buffer.from(entry.localName ?? name);
    const { crc = crc32(data), size = data.length } = entry;
    const flags = 0x800 | (encrypted ? 1 : 0);
    const common = (of: Buffer) => [
      u16(20, flags, 8, 0, 0x21),
      u32(crc, packed.length, size),
      u16(of.length, 0),
    ];
    const body = Buffer.concat([u32(0x04034b50), ...common(localTitle), localTitle, packed]);
    const attributes = [u16(0, 0, 0), u32(mode * 0x10000, at)];
    list.push(
      Buffer.concat([u32(0x02014b50), u16(0x0314), ...common(title), ...attributes, title]),
    );
    bodies.push(body);
    at += body.length;
  }
  const index = Buffer.concat(list);
  const count = entries.length;
  const end = [u32(0x06054b50), u16(0, 0, count, count), u32(index.length, at), u16(0)];
  return Buffer.concat([...bodies, index, ...end]);
}
