import { type ErrorCode, isErrorCode } from './error-codes.ts';

/** Machine-readable facts beside the message: names, expected, received, limits. JSON values only. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** What travels when an error crosses a process: the same three fields through every door. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/** The only error type that reaches a caller. Message: what was wrong, then what would be right. */
export class MlosError extends Error {
  override readonly name = 'MlosError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly details?: ErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  toWire(): WireError {
    return this.details === undefined
      ? { code: this.code, message: this.message }
      : { code: this.code, message: this.message, details: this.details };
  }

  /** Reads what a peer sent. A code that is not in our list becomes INTERNAL: the list is closed. */
  static fromWire(value: unknown): MlosError {
    if (typeof value !== 'object' || value === null) {
      return new MlosError('INTERNAL', `The peer answered a malformed error: ${String(value)}`);
    }
    const { code, message, details } = value as Partial<Record<keyof WireError, unknown>>;
    const text = typeof message === 'string' ? message : 'The peer gave no message.';
    return new MlosError(isErrorCode(code) ? code : 'INTERNAL', text, {
      ...(typeof details === 'object' && details !== null
        ? { details: details as ErrorDetails }
        : {}),
    });
  }

  /**
   * The one converter from `unknown`. Errors of ours pass; anything else is our own fault and
   * becomes INTERNAL with the cause kept for the log, not for the caller.
   */
  static from(thrown: unknown): MlosError {
    if (thrown instanceof MlosError) return thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return new MlosError('INTERNAL', `Internal error: ${text}`, { cause: thrown });
  }
}
