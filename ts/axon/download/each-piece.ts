import type { Readable } from 'node:stream';

/** `false`: no more is wanted; a promise: no more until it resolves. */
export type Taken = true | false | Promise<void>;

/**
 * Hands over the pieces of a body as they arrive. An iterator would not do: what waits to be asked for is
 * dropped when the connection breaks, and would have to be fetched again.
 */
export function eachPiece(body: Readable, take: (piece: Buffer) => Taken): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error);
      body.destroy();
    };
    body.on('data', (piece: Buffer) => {
      try {
        const taken = take(piece);
        if (taken === true) return;
        body.pause();
        if (taken === false) resolve();
        else taken.then(() => body.resume(), fail);
      } catch (error) {
        fail(error);
      }
    });
    body.on('end', resolve);
    body.on('error', reject);
    body.on('close', () => reject(new Error('the connection was closed')));
  });
}
