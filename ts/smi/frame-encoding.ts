import type { Socket } from 'node:net';
import { frame } from '../protocol/frame.ts';
import { encodeMsgpack } from '../protocol/msgpack.ts';

/** A message without tensors as a frame. */
export function encodeFrame(message: unknown): readonly Uint8Array[] {
  return [frame(encodeMsgpack(message))];
}

/**
 * Hands the pieces of one frame to the kernel together. They must not change until they are sent.
 * `onFailed`: the frame did not go out whole, so the peer has certainly not begun with it.
 */
export function sendFrame(
  socket: Socket,
  pieces: readonly Uint8Array[],
  onFailed: () => void = () => undefined,
): void {
  if (!socket.writable) {
    onFailed();
    return;
  }
  const last = pieces.length - 1;
  socket.cork();
  for (const [index, piece] of pieces.entries()) {
    if (index < last) socket.write(piece);
    else socket.write(piece, (error) => error && onFailed());
  }
  socket.uncork();
}
