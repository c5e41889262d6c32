import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addonFile, bindingNames, loadBinding, nativeBinding } from './binding.ts';
import { NativeError, toNativeError } from './native-error.ts';

test('the addon exports what the interface names, and nothing else', () => {
  const exported = Object.keys(createRequire(import.meta.url)(addonFile) as object);
  assert.deepEqual(exported.sort(), [...bindingNames].sort());
});

test('the binding is loaded once', () => {
  assert.equal(nativeBinding(), nativeBinding());
});

test('a missing addon is one clear error', () => {
  assert.throws(() => loadBinding('/nonexistent/mlos.node'), {
    name: 'NativeError',
    code: 'NATIVE_UNAVAILABLE',
    message: /linux-.*file is missing.*\/nonexistent\/mlos\.node.*npm run build:native/,
  });
});

test('a broken addon is one clear error', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mlos-binding-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'mlos.node');
  writeFileSync(file, 'this is no shared library');
  assert.throws(() => loadBinding(file), { code: 'NATIVE_UNAVAILABLE', message: /build:native/ });
  const old = join(folder, 'old.cjs');
  writeFileSync(old, 'exports.regionCreate = () => {};');
  assert.throws(() => loadBinding(old), { code: 'NATIVE_UNAVAILABLE', message: /out of date/ });
});

test('handles of one kind are refused where another is expected', () => {
  const binding = nativeBinding();
  const region = binding.regionCreate(4096, 'test', true);
  assert.throws(() => binding.fileLockRelease(region as never), { code: 'INVALID_ARGUMENT' });
  for (const wrong of [undefined, null, {}, 7, 'handle']) {
    assert.throws(() => binding.regionFd(wrong as never), { code: 'INVALID_ARGUMENT' });
  }
  binding.regionClose(region);
  binding.regionClose(region);
  assert.throws(() => binding.regionBuffer(region), { code: 'REGION_CLOSED' });
});

test('the addon checks every argument by itself', () => {
  const binding = nativeBinding();
  for (const size of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '8', null, 0]) {
    const create = () => binding.regionCreate(size as number, 'test', false);
    assert.throws(create, { code: 'INVALID_ARGUMENT' }, String(size));
  }
  assert.throws(() => binding.regionCreate(8, 'a\0b', false), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => binding.regionCreate(8, 'a', 1 as never), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => binding.descriptorsSend(1, new Float32Array(4) as never, []), {
    code: 'INVALID_ARGUMENT',
  });
  assert.throws(() => binding.descriptorsSend(1, new Uint8Array(4), new Array(17).fill(1)), {
    code: 'INVALID_ARGUMENT',
  });
  assert.throws(() => binding.watchReadable(0, 5 as never, false), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => binding.gpuProbe('other', ''), { code: 'INVALID_ARGUMENT' });
});

test('errors of any kind become NativeErrors and keep their cause', () => {
  const cause = Object.assign(new Error('no'), { code: 'EPERM', errno: -1, syscall: 'open' });
  const error = toNativeError(cause);
  assert.ok(error instanceof NativeError);
  assert.deepEqual([error.code, error.errno, error.syscall], ['EPERM', -1, 'open']);
  assert.equal(error.cause, cause);
  assert.equal(toNativeError(error), error);
  assert.equal(toNativeError('text').code, 'UNKNOWN');
});
