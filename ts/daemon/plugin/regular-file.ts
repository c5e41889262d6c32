import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { MlosError } from '../../protocol/errors.ts';

/*
 * Reads a file at a path that a caller named. Whatever lies there (a pipe that nobody writes, a device
 * without end, a file that still grows) is answered: nothing but a regular file is read, never more of
 * it than its size, and no thread is held; there are four of them for all files of the daemon.
 */
type FileErrorCode = 'INVALID_ARGUMENT' | 'INVALID_MANIFEST';

/** Hashed at once: a turn of the event loop is short beside an inference. */
const pieceBytes = 1 << 20;

/**
 * The open of a pipe does not wait for its other end, and a terminal does not become the daemon's.
 * Node adds O_CLOEXEC to every open.
 */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isBlockDevice() || stats.isCharacterDevice() ? 'a device' : 'no regular file';
}

export function assertRegular(path: string, stats: Stats, code: FileErrorCode): void {
  if (stats.isFile()) return;
  throw new MlosError(code, `${path} is ${kindOf(stats)}; a regular file is needed.`);
}

/** Opens, reads and closes. Errors of the system pass as they are. */
async function withRegularFile<T>(
  path: string,
  code: FileErrorCode,
  use: (handle: FileHandle, stats: Stats) => Promise<T>,
): Promise<T> {
  // Before the open, since some devices act on it; and after, since another file may lie there by then.
  assertRegular(path, await stat(path), code);
  const handle = await open(path, openFlags);
  try {
    const stats = await handle.stat();
    assertRegular(path, stats, code);
    return await use(handle, stats);
  } finally {
    await handle.close();
  }
}

/** The text of a file of up to `maxBytes`. Errors: the code given, and those of the system. */
export async function readTextFile(
  path: string,
  options: { readonly code: FileErrorCode; readonly maxBytes: number },
): Promise<string> {
  const { code, maxBytes } = options;
  return withRegularFile(path, code, async (handle, { size }) => {
    if (size > maxBytes) {
      throw new MlosError(code, `${path}: it has ${size} bytes; the limit is ${maxBytes}.`);
    }
    const bytes = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.toString('utf8', 0, filled);
  });
}

/** The first `size` bytes, or those there are; the next piece is read while one is used. */
async function* piecesOf(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  const buffers = [0, 1].map(() => Buffer.allocUnsafe(Math.min(pieceBytes, size)));
  const readAt = (at: number, turn: number) => {
    const buffer = buffers[turn % 2] as Buffer;
    return handle.read(buffer, 0, Math.min(buffer.length, size - at), at);
  };
  let at = 0;
  let next = readAt(0, 0);
  for (let turn = 1; at < size; turn++) {
    const { bytesRead, buffer } = await next;
    if (bytesRead === 0) return;
    at += bytesRead;
    next = readAt(at, turn);
    yield buffer.subarray(0, bytesRead);
  }
  await next;
}

/**
 * sha256 of a file, in hex, read in pieces. A file that changes meanwhile has no digest.
 * Errors: INVALID_ARGUMENT, and those of the system.
 */
export async function digestFile(path: string): Promise<string> {
  return withRegularFile(path, 'INVALID_ARGUMENT', async (handle, before) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of piecesOf(handle, before.size)) {
      hash.update(piece);
      bytes += piece.length;
    }
    const after = await handle.stat();
    if (bytes !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `${path} changed while it was read (${before.size} bytes before, ${after.size} after). Try again once it is written.`,
      );
    }
    return hash.digest('hex');
  });
}
