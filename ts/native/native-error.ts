/**
 * What the native layer throws. `code` is the errno's name ("EPERM") when a system call failed,
 * or one of the words below; `errno` (negative, as Node has it) and `syscall` are there only in
 * the first case.
 *
 * | code | meaning |
 * | --- | --- |
 * | `NATIVE_UNAVAILABLE` | the addon is missing or does not load |
 * | `INVALID_ARGUMENT` | a bug of the caller: wrong type or out of range |
 * | `HANDLE_CLOSED` | a lock or process handle was used after close |
 * | `REGION_CLOSED` | a region was used after close |
 * | `NOT_A_REGION` | the descriptor is no memfd |
 * | `REGION_UNSEALED` | its owner could still shrink, grow or (if we only read) change it |
 * | `REGION_SPARSE` | reading it would make us allocate its pages |
 * | `REGION_EMPTY`, `REGION_TOO_LARGE` | its size is 0, or above the limit |
 * | `MESSAGE_TRUNCATED` | more bytes or descriptors came than were allowed; all were dropped |
 * | `NO_PEER` | the socket is not a connected Unix socket |
 * | `PARENT_DIED` | the parent was gone before it could be watched |
 * | `EWOULDBLOCK` | another process holds the lock |
 */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  readonly code: string;
  readonly errno: number | undefined;
  readonly syscall: string | undefined;

  constructor(
    code: string,
    message: string,
    details: { errno?: number | undefined; syscall?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errno = details.errno;
    this.syscall = details.syscall;
  }
}

/** Turns whatever a native call threw into a NativeError; one that is already is kept. */
export function toNativeError(thrown: unknown): NativeError {
  if (thrown instanceof NativeError) return thrown;
  if (!(thrown instanceof Error)) return new NativeError('UNKNOWN', String(thrown));
  const { code, errno, syscall } = thrown as NodeJS.ErrnoException;
  return new NativeError(code ?? 'UNKNOWN', thrown.message, { errno, syscall, cause: thrown });
}

/** Runs a native call; what it throws becomes a NativeError. */
export function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw toNativeError(thrown);
  }
}
