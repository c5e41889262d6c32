import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorCodeNames } from '../../protocol/error-codes.ts';
import { productVersion } from '../../protocol/version.ts';
import { registerModel } from '../daemon/models.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { read, root } from '../house/tree.ts';
import { matMulModel } from '../onnx-models.ts';
import { compile, release, skip } from './compile.ts';
import { writePrograms } from './page.ts';
import { run } from './run.ts';
import { orSkip } from './skip.ts';

// Guards: a program in C is compiled with what pkg-config says of libmlos, and does what its page says.

const watchdog = { timeout: 120_000 };

async function startDaemon(place: Place) {
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'demo/linear@1.0.0', model: matMulModel(64, 10) });
  return daemon;
}

test('examples/attached.c', { ...watchdog, skip }, async (t) => {
  const place = await openPlace(t);
  const { socketPath } = await startDaemon(place);
  const source = join(root, 'examples/attached.c');
  const program = await compile(source, join(place.folder, 'attached'));
  const { code, stdout, stderr } = await run(program, ['demo/linear@1.0.0', '200', socketPath]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^demo\/linear@1\.0\.0, run by onnx@/);
  assert.match(stdout, /output y: dtype 1, \[-1, 10\]\n {2}got 40 bytes/);
  const none = await run(program, ['demo/none@1', '1', socketPath]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /MODEL_NOT_FOUND/);
});

test('the programs of docs/c-api.md', { ...watchdog, skip }, async (t) => {
  const place = await openPlace(t);
  const { socketPath } = await startDaemon(place);
  const programs = await writePrograms('c-api.md', (name, text) => place.file(name, text));
  const output: Record<string, string> = {};
  for (const [name, source] of programs) {
    const program = await compile(source, source.replace(/\.c$/, ''));
    const { code, stdout, stderr } = await run(program, [], {
      env: { MLOS_API_IPC_SOCKET_PATH: socketPath },
    });
    assert.equal(code, 0, stderr);
    output[name] = stdout;
  }
  assert.deepEqual(Object.keys(output), ['linear.c', 'overlap.c']);
  assert.match(output['linear.c'] ?? '', /^\[2, 10\] 0\n\[2, 10\] -?[\d.]+\n\[2, 10\] -?[\d.]+\n$/);
  assert.equal(output['overlap.c'], '100 runs\n');
});

test('mlos.h has every error code of the protocol, and the version', () => {
  const header = read('native/src/capi/mlos.h');
  const codes = [...header.matchAll(/^ {2}MLOS_([A-Z_]+) = \d+,?$/gm)].map(([, name]) => name);
  const missing = errorCodeNames.filter((name) => !codes.includes(name));
  assert.deepEqual(missing, []);
  const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => header.match(new RegExp(`MLOS_VERSION_${part} (\\d+)`))?.[1],
  );
  assert.equal(parts.join('.'), productVersion);
});

test('libmlos.so exports what mlos.h declares, and nothing else', { skip }, async (t) => {
  const listed = await run('nm', ['-D', '--defined-only', join(release, 'libmlos.so')]);
  if (listed.code !== 0) return t.skip(orSkip('no nm'));
  const exported = [...listed.stdout.matchAll(/ T (\w+)/g)].map(([, name]) => name);
  const header = read('native/src/capi/mlos.h');
  const declared = [...header.matchAll(/^MLOS_API [^(]*?(\bmlos_\w+)\(/gm)].map(([, name]) => name);
  assert.deepEqual(exported.sort(), declared.sort());
});
