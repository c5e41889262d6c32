import { connect, type NetConnectOpts, type Socket } from 'node:net';

export interface RawOptions {
  /** Pause between two parts, in ms. */
  readonly gapMs?: number;
  /** Ends our side after the last part. */
  readonly end?: boolean;
  /** Stops waiting as soon as this is there. */
  readonly until?: (received: Buffer) => boolean;
  /** A watchdog, not a measure. */
  readonly giveUpMs?: number;
}

export interface RawOutcome {
  readonly received: Buffer;
  /** The other side closed, and did so before we gave up. */
  readonly closed: boolean;
}

/** Sends bytes as they are, and collects what comes back until it is enough or the peer closes. */
export function rawExchange(
  address: NetConnectOpts,
  parts: readonly (string | Uint8Array)[],
  options: RawOptions = {},
): Promise<RawOutcome> {
  const { gapMs = 0, end = false, until, giveUpMs = 15_000 } = options;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(address);
    const finish = (closed: boolean) => {
      clearTimeout(watchdog);
      socket.destroy();
      resolve({ received: Buffer.concat(chunks), closed });
    };
    const watchdog = setTimeout(() => finish(false), giveUpMs);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (until?.(Buffer.concat(chunks)) === true) finish(false);
    });
    // A reset after the answer is a close like any other here: what was received counts.
    socket.on('error', () => undefined);
    socket.on('close', () => finish(true));
    socket.once('connect', () => void sendParts(socket, parts, { gapMs, end }));
  });
}

async function sendParts(
  socket: Socket,
  parts: readonly (string | Uint8Array)[],
  { gapMs, end }: { readonly gapMs: number; readonly end: boolean },
): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    socket.write(part);
    if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs));
  }
  if (end) socket.end();
}
