import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import { becomes } from '../daemon/processes.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { root } from '../house/tree.ts';
import { identityModel } from '../onnx-models.ts';

// Guards: the programs of docs/ipc.md do what the page says. They need a Python, and nothing else.

const watchdog = { timeout: 60_000 };
const hasPython = spawnSync('python3', ['-c', 'import os; os.memfd_create']).status === 0;
const skip = hasPython ? false : 'no python3 that knows memfd_create';
const page = readFileSync(join(root, 'docs/ipc.md'), 'utf8');

function writePrograms(place: Place): void {
  const programs = [...page.matchAll(/<!-- program: ([\w.]+) -->\s+```python\n([\s\S]+?)```/g)];
  assert.deepEqual(
    programs.map(([, name]) => name),
    ['mlos_wire.py', 'memfd.py', 'attach.py'],
  );
  for (const [, name = '', text = ''] of programs) writeFileSync(join(place.folder, name), text);
}

function runPython(place: Place, args: readonly string[]) {
  return spawnSync('python3', args, { cwd: place.folder, encoding: 'utf8', timeout: 30_000 });
}

function python(place: Place, args: readonly string[]): string {
  const { status, stdout, stderr } = runPython(place, args);
  assert.equal(status, 0, stderr);
  return stdout;
}

test('a program without a library sends a tensor in a memfd', { ...watchdog, skip }, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'c/x@1', model: identityModel('float32', ['n']) });
  writePrograms(place);
  const out = python(place, ['memfd.py', daemon.socketPath, 'c/x@1', '1000000']);
  assert.equal(out, 'y [1000000] (0.0, 1.0, 2.0, 3.0)\n');
});

test('a program without a library attaches', { ...watchdog, skip }, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'c/x@1', model: identityModel('float32', ['n']) });
  writePrograms(place);
  const { body } = await daemon.http.get('/stats/engine');
  if (body.processes[0].engine === false) {
    // Where the runtime's C interface cannot be used there is nothing to attach to, and that is said.
    const { status, stderr } = runPython(place, ['attach.py', daemon.socketPath, 'c/x@1']);
    assert.equal(status, 1);
    assert.match(stderr, /UNIMPLEMENTED/);
    return;
  }
  const out = python(place, ['attach.py', daemon.socketPath, 'c/x@1']);
  assert.equal(out, 'active: MLOSCHN1 MLOSCHN1\n');
  const isGone = async () => (await daemon.http.get('/channels')).body.total === 0;
  assert.ok(await becomes(isGone, 5_000), 'the channel went with its program');
});
