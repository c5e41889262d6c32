import type { Socket } from 'node:net';
import { frame } from '../protocol/frame.ts';
import { encodeMsgpack } from '../protocol/msgpack.ts';

/** A message without tensors as a frame. */
export function encodeFrame(message: unknown): readonly Uint8Array[] {
  return [frame(encodeMsgpack(message))];
}

/** Hands the pieces of one frame to the kernel together. They must not change until they are sent. */
export function sendFrame(socket: Socket, pieces: readonly Uint8Array[]): void {
  if (socket.destroyed) return;
  if (pieces.length === 1) {
    socket.write(pieces[0] as Uint8Array);
    return;
  }
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}
