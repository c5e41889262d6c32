import { createServer } from 'node:net';
import { MlosError } from '../../protocol/errors.ts';

/** errno of bind and listen → our codes, with the address in the message. */
export function listenError(
  door: string,
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
): MlosError {
  const where = `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new MlosError(
        'FAILED_PRECONDITION',
        `The ${door} door cannot open ${where}: the port is in use. Stop the other program or choose another port.`,
        { cause: error },
      );
    case 'EACCES':
      return new MlosError(
        'PERMISSION_DENIED',
        `The ${door} door cannot open ${where}: this user may not bind that port.`,
        { cause: error },
      );
    default:
      return new MlosError(
        'FAILED_PRECONDITION',
        `The ${door} door cannot open ${where}: ${error.message}`,
        { cause: error },
      );
  }
}

/** uWebSockets.js says only that it failed; trying once more with node:net tells why. */
export function whyNotListening(host: string, port: number): Promise<MlosError> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(listenError('HTTP', error, host, port)));
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close();
      resolve(listenError('HTTP', new Error('uWebSockets.js refused it'), host, port));
    });
  });
}
