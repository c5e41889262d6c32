/*
 * One header of a tar archive, 512 bytes: POSIX ustar, GNU's variant of it, or the old form without a
 * magic word. Nothing is repaired; what is not exactly right is refused.
 */
export const blockBytes = 512;

export interface TarHeader {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly type: string;
  /** Whether `size` is all that the field can say: only then may an extension say more. */
  readonly isSmall: boolean;
}

export class TarFault extends Error {
  override readonly name = 'TarFault';
  /** Whether it could do harm; else the archive is only broken. */
  readonly isUnsafe: boolean;

  constructor(message: string, isUnsafe = false) {
    super(message);
    this.isUnsafe = isUnsafe;
  }
}

/** The largest size that eleven octal digits hold. */
export const largestPlainSize = 8 ** 11 - 1;

export function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

export function readHeader(block: Buffer): TarHeader {
  const stated = octal(block.subarray(148, 156), 'checksum');
  let sum = 8 * 0x20;
  for (let at = 0; at < blockBytes; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  if (sum !== stated) throw new TarFault('a header has a wrong checksum');
  const magic = block.toString('latin1', 257, 263);
  const name = text(block.subarray(0, 100));
  const prefix = magic === 'ustar\0' ? text(block.subarray(345, 500)) : '';
  const size = amount(block.subarray(124, 136));
  const type = block.toString('latin1', 156, 157);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: octal(block.subarray(100, 108), 'mode'),
    size,
    type: type === '\0' ? '0' : type,
    isSmall: size <= largestPlainSize,
  };
}

/** The bytes up to the first NUL, as UTF-8. */
export function text(field: Buffer): string {
  const end = field.indexOf(0);
  return utf8(end < 0 ? field : field.subarray(0, end));
}

export function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TarFault('it has a name that is not UTF-8', true);
  }
}

function octal(field: Buffer, what: string): number {
  const digits = field.toString('latin1').replaceAll('\0', ' ').trim();
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw new TarFault(`a header has a malformed ${what}`);
  return Number.parseInt(digits, 8);
}

/** Octal, or GNU's binary form for what octal digits cannot say. */
function amount(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) === 0) return octal(field, 'size');
  let value = BigInt((field[0] ?? 0) & 0x7f);
  for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new TarFault('an entry has an impossible size', true);
  return Number(value);
}
