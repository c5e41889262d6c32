import { MlosError } from '../../../protocol/errors.ts';

/** An object that came as JSON. */
export type Fields = Readonly<Record<string, unknown>>;

export function invalid(param: string, right: string): MlosError {
  return new MlosError('INVALID_ARGUMENT', `${param} must be ${right}.`, { details: { param } });
}

export function unsupported(param: string, what: string): MlosError {
  return new MlosError('UNIMPLEMENTED', `${param}: ${what}`, { details: { param } });
}

/** null is what some clients send for what is left out. */
export function given(value: unknown): unknown {
  return value === null ? undefined : value;
}
