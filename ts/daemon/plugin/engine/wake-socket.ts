import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { receiveDescriptors, sendDescriptors, socketPair } from '../../../native/fd-socket.ts';

/** Another descriptor of the same open file. */
function duplicate(fd: number): number {
  const [near, far] = socketPair();
  try {
    sendDescriptors(near, Uint8Array.of(0), [fd]);
    const [copy] = receiveDescriptors(far, { maxBytes: 1, maxFds: 1 })?.fds ?? [];
    if (copy === undefined) throw new Error(`Descriptor ${fd} could not be duplicated.`);
    return copy;
  } finally {
    closeSync(near);
    closeSync(far);
  }
}

/**
 * Listens on a channel's socket: a byte means that answers are there, its end that the other side is gone.
 * The event loop's own polling does it, into one buffer; the descriptor stays the channel's.
 */
export function watchSocket(
  fd: number,
  events: { readonly onByte: () => void; readonly onEnd: () => void },
): () => void {
  const socket = new Socket({
    fd: duplicate(fd),
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(64),
      callback: () => {
        events.onByte();
        return true;
      },
    },
  } as ConstructorParameters<typeof Socket>[0]);
  socket.on('error', events.onEnd);
  socket.on('end', events.onEnd);
  return () => {
    socket.removeListener('end', events.onEnd);
    socket.destroy();
  };
}
