import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes } from './error-codes.ts';
import { methodTable } from './method-table.ts';

test('names and paths are unique', () => {
  const names = methodTable.map((method) => method.name);
  const paths = methodTable.map((method) => `${method.http.verb} ${method.http.path}`);
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(paths).size, paths.length);
});

test('every variable of a path is a parameter, and every error a known code', () => {
  for (const method of methodTable) {
    for (const [, name] of method.http.path.matchAll(/\{(\w+)\}/g)) {
      assert.ok(Object.hasOwn(method.params.properties, name ?? ''), `${method.name}: ${name}`);
    }
    for (const code of method.errors) assert.ok(Object.hasOwn(errorCodes, code), code);
  }
});

test('every error code can be answered by some method, by all, or beside them', async () => {
  const { commonErrors, surfaceErrors } = await import('./methods/method.ts');
  const used = new Set<string>([
    ...commonErrors,
    ...surfaceErrors,
    ...methodTable.flatMap((method): readonly string[] => method.errors),
  ]);
  assert.deepEqual(
    Object.keys(errorCodes).filter((code) => !used.has(code)),
    [],
  );
});
