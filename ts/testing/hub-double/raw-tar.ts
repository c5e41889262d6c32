export interface RawEntry {
  readonly name: string;
  readonly data?: Buffer | string;
  readonly type?: string;
  readonly mode?: number;
  readonly linkname?: string;
  /** What the header says, where that is not the truth. */
  readonly size?: number;
  readonly badChecksum?: boolean;
}

/** One entry exactly as told, with a header that is otherwise right: what no library would write. */
export function rawEntry(entry: RawEntry): Buffer {
  const { name, type = '0', mode = 0o644, linkname = '' } = entry;
  const data = Buffer.from(entry.data ?? '');
  const header = Buffer.alloc(512);
  const octal = (at: number, length: number, value: number) =>
    header.write(value.toString(8).padStart(length - 1, '0'), at, length - 1, 'latin1');
  header.write(name, 0, 100, 'utf8');
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, entry.size ?? data.length);
  octal(136, 12, 0);
  header.write(type, 156, 1, 'latin1');
  header.write(linkname, 157, 100, 'utf8');
  header.write('ustar\0' + '00', 257, 8, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0) + (entry.badChecksum ? 1 : 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

/** An extended header before the entry that it is of. */
export function pax(records: Readonly<Record<string, string>>, type = 'x'): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    const length = rest + String(rest + String(rest).length).length;
    return `${length} ${key}=${value}\n`;
  });
  return rawEntry({ name: 'PaxHeader', type, data: lines.join('') });
}

export const tarEnd = Buffer.alloc(1024);
