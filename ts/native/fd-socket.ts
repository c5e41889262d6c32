import { requireFd, requireInteger } from './arguments.ts';
import { nativeBinding } from './binding.ts';
import { NativeError, translated } from './native-error.ts';

// Descriptors travel over Unix sockets. Node's own sockets drop them unseen, so whoever expects
// some reads its socket with receiveDescriptors and onReadable, and never with net.Socket.
// Nothing here blocks. Descriptors are plain numbers, as in node:fs; close them with fs.closeSync
// or hand them to Region.fromFd.

/** The most descriptors in one message. */
export const maxDescriptors = 16;
/** The most bytes beside them. */
export const maxMessageBytes = 1024 * 1024;

export interface ReceivedDescriptors {
  /** Empty when the peer has closed its end. */
  readonly bytes: Uint8Array;
  /** The receiver's to close. */
  readonly fds: readonly number[];
}

export interface PeerCredentials {
  /** Null when the peer lives in a pid namespace that this process cannot see into. */
  readonly pid: number | null;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Sends bytes (1 to 1 MiB) and duplicates of descriptors (at most 16), which travel with the first
 * byte. Returns how many bytes the socket took: on a stream it may be fewer than given.
 * @throws NativeError `EAGAIN` when the socket's buffer is full, `EPIPE` when the peer is gone.
 */
export function sendDescriptors(
  socketFd: number,
  bytes: Uint8Array,
  fds: readonly number[],
): number {
  requireFd(socketFd, 'socketFd');
  requireInteger(bytes.byteLength, 'bytes.byteLength', { min: 1, max: maxMessageBytes });
  requireInteger(fds.length, 'fds.length', { min: 0, max: maxDescriptors });
  for (const fd of fds) requireFd(fd, 'fds');
  return translated(() => nativeBinding().descriptorsSend(socketFd, bytes, fds));
}

/**
 * Receives one message, or null when none is there. On a stream it returns the bytes that are
 * there, up to `maxBytes`, never past a message that carries descriptors.
 * @throws NativeError `MESSAGE_TRUNCATED` when more descriptors came than `maxFds`; all are closed.
 */
export function receiveDescriptors(
  socketFd: number,
  { maxBytes, maxFds }: { maxBytes: number; maxFds: number },
): ReceivedDescriptors | null {
  requireFd(socketFd, 'socketFd');
  requireInteger(maxBytes, 'maxBytes', { min: 1, max: maxMessageBytes });
  requireInteger(maxFds, 'maxFds', { min: 0, max: maxDescriptors });
  return translated(() => nativeBinding().descriptorsReceive(socketFd, maxBytes, maxFds));
}

/** Two connected Unix sockets; `"seqpacket"` keeps messages apart, `"stream"` (default) does not. */
export function socketPair(kind: 'stream' | 'seqpacket' = 'stream'): [number, number] {
  return translated(() => nativeBinding().socketPair(kind === 'seqpacket'));
}

/** The descriptor of a stream socket that is connected to the one listening at `path`. */
export function connectSocket(path: string): number {
  return translated(() => nativeBinding().socketConnect(path));
}

/**
 * True when the peer has closed its socket altogether; false while it can still read, also when it has
 * ended its writing side (a half-close). Node tells the two apart only by a failing write.
 * @throws NativeError `EBADF`
 */
export function isPeerGone(socketFd: number): boolean {
  requireFd(socketFd, 'socketFd');
  return translated(() => nativeBinding().peerGone(socketFd));
}

/** Who is at the other end, by the kernel's word at the time of connecting. */
export function peerCredentials(socketFd: number): PeerCredentials {
  requireFd(socketFd, 'socketFd');
  return translated(() => nativeBinding().peerCredentials(socketFd));
}

/** The descriptor of a connected net.Socket; `INVALID_ARGUMENT` when it has none. */
export function descriptorOf(socket: object): number {
  const handle = (socket as { _handle?: { fd?: unknown } | null })._handle;
  if (typeof handle?.fd === 'number' && handle.fd >= 0) return handle.fd;
  throw new NativeError('INVALID_ARGUMENT', 'the socket has no descriptor; is it connected?');
}

/**
 * Makes a net.Socket stop reading for good: with `pause()` alone it still takes one more piece, and
 * drops the descriptors that came with it. Whoever calls this reads what is buffered first, and does not
 * call `resume()` before the end was pushed. `INVALID_ARGUMENT` when the socket has no handle.
 */
export function stopReading(socket: object): void {
  const handle = (socket as { _handle?: { readStop?: unknown; reading?: boolean } | null })._handle;
  if (typeof handle?.readStop !== 'function') {
    throw new NativeError('INVALID_ARGUMENT', 'the socket has no handle; is it connected?');
  }
  handle.reading = false;
  handle.readStop();
}
