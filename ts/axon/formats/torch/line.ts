import type { Cursor } from '../bytes/cursor.ts';
import { ReaderLimit } from './reader-limit.ts';

const pieceBytes = 1024;
/** Of a longer line only its beginning is kept: nobody needs such a name. */
const maxKept = 64 * 1024;
const maxBytes = 16 * 1024 * 1024;

/** The text up to the next line feed, which is read too. */
export function line(cursor: Cursor): string {
  const kept: Buffer[] = [];
  for (let bytes = 0; bytes < maxBytes; ) {
    const piece = cursor.take(Math.max(1, Math.min(pieceBytes, cursor.left)));
    const end = piece.indexOf(0x0a);
    if (bytes < maxKept) kept.push(Buffer.from(end < 0 ? piece : piece.subarray(0, end)));
    bytes += piece.length;
    if (end < 0) continue;
    cursor.at -= piece.length - end - 1;
    return Buffer.concat(kept).toString('utf8');
  }
  throw new ReaderLimit('a line without end');
}
