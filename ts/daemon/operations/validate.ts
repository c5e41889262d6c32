import { Compile, type Validator } from 'typebox/compile';
import { MlosError } from '../../protocol/errors.ts';
import type { MethodSpec } from '../../protocol/methods/method.ts';
import { didYouMean } from '../../protocol/nearest.ts';

/** Compiled at the first use of a method: an idle daemon pays for none it does not need. */
const compiled = new Map<string, Validator>();

function validatorOf(method: MethodSpec): Validator {
  let validator = compiled.get(method.name);
  if (validator === undefined) {
    validator = Compile(method.params);
    compiled.set(method.name, validator);
  }
  return validator;
}

function unknownKey(method: MethodSpec, params: object): string | null {
  if ((method.params as { additionalProperties?: unknown }).additionalProperties !== false)
    return null;
  const known = Object.keys(method.params.properties);
  const strange = Object.keys(params).find((key) => !known.includes(key));
  if (strange === undefined) return null;
  const list = known.length === 0 ? 'It takes none.' : `Known: ${known.join(', ')}.`;
  return `unknown parameter ${JSON.stringify(strange.slice(0, 100))}.${didYouMean(strange, known)} ${list}`;
}

function requiredKeys(method: MethodSpec): readonly string[] {
  return (method.params.required ?? []) as readonly string[];
}

function missingKey(method: MethodSpec, params: object): string | null {
  const missing = requiredKeys(method).find((key) => !Object.hasOwn(params, key));
  return missing === undefined ? null : `parameter ${JSON.stringify(missing)} is required.`;
}

function firstProblem(method: MethodSpec, params: object): string {
  const simple = unknownKey(method, params) ?? missingKey(method, params);
  if (simple !== null) return simple;
  const [error] = validatorOf(method).Errors(params);
  if (error === undefined) return 'the parameters do not fit the schema.';
  const place = error.instancePath === '' ? 'the parameters' : error.instancePath.slice(1);
  return `${place.replaceAll('/', '.')} ${error.message}.`;
}

const noParams = Object.freeze({});

/** Params as the method's schema wants them. Throws INVALID_ARGUMENT naming the first problem. */
export function validateParams(method: MethodSpec, params: unknown): object {
  const value = params ?? noParams;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new MlosError('INVALID_ARGUMENT', `${method.name}: the parameters must be an object.`);
  }
  // Methods without parameters need no compiled validator.
  if (value === noParams && requiredKeys(method).length === 0) return value;
  if (!validatorOf(method).Check(value)) {
    throw new MlosError('INVALID_ARGUMENT', `${method.name}: ${firstProblem(method, value)}`, {
      details: { method: method.name },
    });
  }
  return value;
}
