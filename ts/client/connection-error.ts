import { MlosError } from '../protocol/errors.ts';

/** errno of connecting to a daemon → our codes, with what to do about it. */
export function connectError(error: unknown, where: string): MlosError {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new MlosError(
        'FAILED_PRECONDITION',
        `No daemon listens at ${where}. Start one, or name the place where it listens.`,
        { cause: error, details: { where } },
      );
    case 'EACCES':
    case 'EPERM':
      return new MlosError('PERMISSION_DENIED', `This user may not connect to ${where}.`, {
        cause: error,
        details: { where },
      });
    default:
      return new MlosError('FAILED_PRECONDITION', `No connection to ${where}: ${message}`, {
        cause: error,
        details: { where },
      });
  }
}

/** The connection went away before an answer came. The request may or may not have been run. */
export function lostError(where: string, cause?: unknown): MlosError {
  return new MlosError(
    'SHUTTING_DOWN',
    `The daemon at ${where} closed the connection before it answered. Whether the request was run is not known.`,
    { cause },
  );
}
