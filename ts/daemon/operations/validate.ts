import { MlosError } from '../../protocol/errors.ts';
import { explain } from '../../protocol/explain-schema.ts';
import type { MethodSpec } from '../../protocol/methods/method.ts';

const noParams = Object.freeze({});

/** Params as the method's schema wants them. Throws INVALID_ARGUMENT naming the first problem. */
export function validateParams(method: MethodSpec, params: unknown): object {
  const value = params ?? noParams;
  if (method.check(value)) return value;
  const problem = explain(method.params, value, 'params') ?? 'params do not fit the schema.';
  throw new MlosError('INVALID_ARGUMENT', `${method.name}: ${problem}`, {
    details: { method: method.name },
  });
}
