import { randomBytes } from 'node:crypto';
import { chmod, link, lstat, mkdtemp, rename, rm, stat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';

/**
 * Makes the socket file, in a folder that others may write to (/tmp). Rules:
 *
 * 1. Nothing that lies at the path is ever followed or overwritten: a link, a file or a folder there
 *    is refused; a socket is taken away only if it is ours and nobody listens on it.
 * 2. The socket is bound inside a private folder (0700), gets its mode there, and only then is given
 *    its name with link(2), which fails where a name exists. So it is never there with a wider mode,
 *    and the loser of a race between two daemons is told so.
 * 3. A stale socket is moved into the private folder before it is deleted, and looked at again: it
 *    might have been replaced by that of a live daemon meanwhile.
 * 4. At close the name is removed only if it still is our inode. (Node removes the name that was
 *    bound, whatever it is by then; that was the private one.)
 */
/** `sun_path` holds 108 bytes, one of them the terminator. */
const longestPathBytes = 107;

export interface SocketFile {
  /** Removes the name if it is still ours. */
  remove(): Promise<void>;
}

interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Makes `server` listen at `path`. */
export async function listenAt(server: Server, path: string, mode: number): Promise<SocketFile> {
  checkLength(path);
  await checkParent(path);
  const folder = await privateFolder(path);
  try {
    await removeStale(path, folder);
    const bound = join(folder, 's');
    checkLength(bound);
    await listen(server, bound);
    await chmod(bound, mode);
    const identity = await identityOf(bound);
    try {
      await link(bound, path);
    } catch (error) {
      await stopListening(server);
      throw nameError(error, path);
    }
    return { remove: () => removeIfOurs(path, identity) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refused(path: string, why: string, cause?: unknown): MlosError {
  return new MlosError('FAILED_PRECONDITION', `The socket ${path} cannot be made: ${why}.`, {
    cause,
  });
}

function checkLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > longestPathBytes) {
    throw refused(path, `its path has ${bytes} bytes, and the kernel takes ${longestPathBytes}`);
  }
}

async function checkParent(path: string): Promise<void> {
  const parent = dirname(path);
  const facts = await stat(parent).catch((cause: unknown) => {
    throw refused(path, `the folder ${parent} does not exist or cannot be reached`, cause);
  });
  if (!facts.isDirectory()) throw refused(path, `${parent} is not a folder`);
}

/** Beside the socket, so that link and rename stay within one file system. The name is short. */
async function privateFolder(path: string): Promise<string> {
  try {
    return await mkdtemp(join(dirname(path), '.'));
  } catch (cause) {
    throw new MlosError(
      'PERMISSION_DENIED',
      `The socket ${path} cannot be made: this user may not write to ${dirname(path)}.`,
      { cause },
    );
  }
}

async function removeStale(path: string, folder: string): Promise<void> {
  const facts = await lstat(path, { bigint: true }).catch(ignoreMissing);
  if (facts === null) return;
  if (facts.isSymbolicLink())
    throw refused(path, 'a symbolic link lies there, and is not followed');
  if (!facts.isSocket()) throw refused(path, 'something that is not a socket lies there');
  await checkDead(path);
  if (facts.uid !== BigInt(process.geteuid?.() ?? 0)) {
    throw new MlosError(
      'PERMISSION_DENIED',
      `The socket ${path} cannot be made: a socket of another user (uid ${facts.uid}) lies there.`,
    );
  }
  const aside = join(folder, randomBytes(4).toString('hex'));
  await rename(path, aside).catch(ignoreMissing);
  const moved = await lstat(aside, { bigint: true }).catch(ignoreMissing);
  if (moved !== null && (moved.dev !== facts.dev || moved.ino !== facts.ino)) {
    await link(aside, path).catch(() => undefined);
    throw refused(path, 'another program makes it at the same time');
  }
}

/** Throws unless nobody listens there. */
function checkDead(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      reject(refused(path, 'it is in use by a running daemon'));
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve();
      else if (error.code === 'EAGAIN') reject(refused(path, 'it is in use by a busy daemon'));
      else reject(refused(path, `whether it is in use cannot be told (${error.code})`, error));
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(refused(path, error.message, error));
    server.once('error', onError);
    server.listen(path, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function nameError(error: unknown, path: string): MlosError {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EEXIST'
    ? refused(path, `${basename(path)} has just been made by another program`, error)
    : refused(path, message, error);
}

async function identityOf(path: string): Promise<Identity> {
  const { dev, ino } = await lstat(path, { bigint: true });
  return { dev, ino };
}

async function removeIfOurs(path: string, ours: Identity): Promise<void> {
  const now = await lstat(path, { bigint: true }).catch(ignoreMissing);
  if (now === null || now.dev !== ours.dev || now.ino !== ours.ino) return;
  await unlink(path).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}
