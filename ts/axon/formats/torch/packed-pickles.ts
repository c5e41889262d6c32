import { constants, unzipSync } from 'node:zlib';
import { type ByteSource, InMemory } from '../bytes/byte-source.ts';
import { found, type Look, maxUnpacked, type PickleFile } from './found.ts';
import { holdsObjects, isNumpy } from './numpy.ts';
import { isTextName } from './pickle-names.ts';
import { isPickle, scanPlain } from './plain-pickles.ts';
import { isTar } from './tar-pickles.ts';

const beginBytes = 4 * 1024;
/** What ends a gzip stream says of all that came before. */
const sumBytes = 8;

/** How gzip begins, or zlib, which joblib writes. */
export function isPacked(head: Buffer): boolean {
  const [first = 0, second = 0] = head;
  if (first === 0x1f) return second === 0x8b;
  return (first & 0x0f) === 8 && first <= 0x78 && (first * 256 + second) % 31 === 0;
}

/** What is packed is unpacked only where it begins as something that is looked into. Null where it is not packed. */
export function inspectPacked(
  bytes: ByteSource,
  name: string,
  isNamedSo: boolean,
  look: Look,
): { readonly inner: PickleFile | null } | null {
  const begin = beginOf(bytes);
  if (begin === null) return null;
  const inner = name.replace(/\.(gz|z)$/i, '');
  const kind = isNamedSo ? 'pickle' : beginsAs(begin, inner);
  if (kind === null) return { inner: null };
  const closed = (why: string) => ({
    inner: kind === 'pickle' ? found('pickle', [], [`(${why})`]) : null,
  });
  const tooLarge = `unpacks to more than ${maxUnpacked} bytes, which are not looked into`;
  if (bytes.size > maxUnpacked) return closed(tooLarge);
  let unpacked: Buffer;
  try {
    const all = Buffer.from(bytes.read(0, bytes.size));
    unpacked = unzipSync(all, { maxOutputLength: maxUnpacked });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A loader would have run what comes before the damage.
    return closed(code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge : `cannot be unpacked: ${message}`);
  }
  return { inner: look(new InMemory(unpacked), inner) };
}

/** How it goes on when unpacked; what is damaged further on, as far as the damage. */
function beginOf(bytes: ByteSource): Buffer | null {
  const packed = Buffer.from(bytes.read(0, Math.min(beginBytes, bytes.size)));
  // Other bytes begin as zlib does by chance, and are not packed at all.
  const fewer = packed[0] === 0x1f ? [packed.length - sumBytes, 512, 64, 24] : [];
  for (const length of [packed.length, ...fewer])
    try {
      const part = packed.subarray(0, Math.max(0, length));
      const begin = unzipSync(part, { finishFlush: constants.Z_SYNC_FLUSH });
      return begin.length === 0 ? null : begin;
    } catch (error) {
      if (!/^Z_/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  return null;
}

/** What it could be as far as it goes: a pickle, or something with pickles in it. */
function beginsAs(begin: Buffer, name: string): 'pickle' | 'archive' | null {
  const text = begin.toString('latin1', 0, 4);
  if (['PK\x03\x04', '\x1f\x8b'].some((magic) => text.startsWith(magic)) || isTar(begin))
    return 'archive';
  if (isNumpy(begin)) return holdsObjects(begin) ? 'pickle' : null;
  if (isTextName(name) && begin[0] !== 0x80) return null;
  const scans = scanPlain(new InMemory(begin));
  const goesOn = scans.some(({ ending }) => ending === 'short');
  return goesOn || isPickle(scans, true) ? 'pickle' : null;
}
