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

/** undefined: it is left out. `param`: its name in the error. Errors: INVALID_ARGUMENT. */
export function flagOf(body: Fields, name: string, param: string = name): boolean | undefined {
  const value = given(body[name]);
  if (value === undefined || typeof value === 'boolean') return value;
  throw invalid(param, 'true or false');
}

/** Empty where it is left out. Errors: INVALID_ARGUMENT. */
export function objectOf(body: Fields, param: string): Fields {
  const value = given(body[param]) ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Fields;
  throw invalid(param, 'an object');
}
