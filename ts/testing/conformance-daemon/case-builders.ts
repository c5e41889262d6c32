import assert from 'node:assert/strict';
import type { ErrorCode } from '../../protocol/error-codes.ts';
import type { ConformanceCase } from '../conformance/case.ts';

export type Params = Readonly<Record<string, unknown>>;
export type Answer = Record<string, unknown>;

export function refused(
  name: string,
  method: string,
  params: Params,
  code: ErrorCode,
): ConformanceCase {
  return { name, method, params, expect: { code } };
}

export function done(
  name: string,
  method: string,
  params: Params,
  result: (result: Answer) => void = () => undefined,
): ConformanceCase {
  return { name, method, params, expect: { result } };
}

export function gives(expected: Answer) {
  return (result: Answer) => assert.deepEqual(result['outputs'], expected);
}

export function modelIs(expected: Answer) {
  return (result: Answer) => {
    const model = result['model'] as Answer;
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(model[key], value, key);
  };
}
