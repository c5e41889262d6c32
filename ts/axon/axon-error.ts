import { MlosError } from '../protocol/errors.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** The only error that a command ends with. Message: what was wrong, then what to do next. */
export class AxonError extends Error {
  override readonly name = 'AxonError';
  readonly code: ExitCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: ExitCode,
    message: string,
    options: {
      readonly details?: Readonly<Record<string, unknown>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  get exit(): number {
    return exitCodes[this.code].exit;
  }

  toJson(): object {
    const { code, exit, message, details } = this;
    return { error: { code, exit, message, ...(details === undefined ? {} : { details }) } };
  }

  /** The one converter from `unknown`: errors of the contract and of the file system get our codes. */
  static from(thrown: unknown): AxonError {
    if (thrown instanceof AxonError) return thrown;
    if (thrown instanceof MlosError) {
      const code: ExitCode =
        thrown.code === 'INVALID_MODEL_ID'
          ? 'INVALID_SPEC'
          : thrown.code === 'INVALID_MANIFEST'
            ? 'INVALID_PACKAGE'
            : thrown.code === 'SIGNATURE_INVALID'
              ? 'SIGNATURE_INVALID'
              : 'INTERNAL';
      return new AxonError(code, thrown.message, { cause: thrown });
    }
    return (
      fromErrno(thrown) ??
      new AxonError('INTERNAL', `Internal error: ${text(thrown)}`, { cause: thrown })
    );
  }
}

const text = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown));

export function errnoOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error)) return null;
  const code = (thrown as NodeJS.ErrnoException).code;
  return typeof code === 'string' ? code : null;
}

function fromErrno(thrown: unknown): AxonError | null {
  const code = errnoOf(thrown);
  const options = { cause: thrown };
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new AxonError(
        'NO_SPACE',
        `The disk is full (${text(thrown)}). Free some room.`,
        options,
      );
    case 'EFBIG':
      return new AxonError(
        'IO_ERROR',
        `The file system takes no file so large (${text(thrown)}): \`ulimit -f\` or its own limit, such as the 4 GB of FAT.`,
        options,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
    case 'EIO':
    case 'EMFILE':
    case 'ENAMETOOLONG':
    case 'ESTALE':
    case 'EBUSY':
    case 'ENFILE':
    case 'ENXIO':
    case 'EEXIST':
    case 'ENOTEMPTY':
      return new AxonError('IO_ERROR', `The file system refused: ${text(thrown)}`, options);
    default:
      return thrown instanceof Error && thrown.name === 'AbortError'
        ? new AxonError(
            'INTERRUPTED',
            'Interrupted. The next install continues where this stopped.',
            options,
          )
        : null;
  }
}
