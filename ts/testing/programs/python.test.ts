import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { root } from '../house/tree.ts';
import {
  addMultiplyModel,
  failingModel,
  identityModel,
  matMulModel,
  slowModel,
} from '../onnx-models.ts';
import { registerSum } from '../sequences/stateful-model.ts';
import { findPython } from './interpreter.ts';
import { writePrograms } from './page.ts';
import { run } from './run.ts';

// Guards: python/mlos does what docs/python.md says, against a daemon. Its own tests are python/tests.

const watchdog = { timeout: 300_000 };
const { program, skip } = findPython();

const models = {
  'demo/linear@1.0.0': matMulModel(64, 10),
  'test/same@1': identityModel('float32', ['n']),
  'test/texts@1': identityModel('string', ['n']),
  'test/slow@1': slowModel(),
  'test/pair@1': addMultiplyModel(),
  'test/failing@1': failingModel(),
};

async function start(t: TestContext): Promise<{ place: Place; daemon: DaemonProcess }> {
  const place = await openPlace(t);
  const daemon = await place.start();
  for (const [id, model] of Object.entries(models)) {
    await registerModel(place, daemon, { id, model });
  }
  await registerSum(place, daemon, 'sum');
  return { place, daemon };
}

async function python(daemon: DaemonProcess, args: readonly string[]) {
  const { code, stdout, stderr } = await run(program, args, {
    cwd: root,
    env: {
      PYTHONPATH: join(root, 'python'),
      // No folders of byte code in the checkout.
      PYTHONDONTWRITEBYTECODE: '1',
      MLOS_API_IPC_SOCKET_PATH: daemon.socketPath,
      MLOS_TEST_SOCKET: daemon.socketPath,
      MLOS_TEST_DAEMON_PID: String(daemon.pid),
    },
  });
  assert.equal(code, 0, stderr);
  return { stdout, stderr };
}

test('python/tests', { ...watchdog, skip }, async (t) => {
  const { daemon } = await start(t);
  const { stderr } = await python(daemon, [
    '-m',
    'unittest',
    'discover',
    '-s',
    'python/tests',
    '-v',
  ]);
  assert.match(stderr, /^Ran \d{2} tests/m);
  assert.doesNotMatch(stderr, /skipped/);
});

test('the programs of docs/python.md, and the example', { ...watchdog, skip }, async (t) => {
  const { place, daemon } = await start(t);
  const programs = await writePrograms('python.md', (name, text) => place.file(name, text));
  assert.deepEqual([...programs.keys()], ['linear.py', 'overlap.py']);
  const linear = await python(daemon, [programs.get('linear.py') ?? '']);
  const lines = linear.stdout.trim().split('\n');
  assert.deepEqual(lines.slice(0, 3), ['x float32 (None, 64)', '(2, 10)', '0.0']);
  assert.equal(lines.length, 5);
  assert.equal((await python(daemon, [programs.get('overlap.py') ?? ''])).stdout, '8\n');
  const example = await python(daemon, ['examples/attached.py', 'demo/linear@1.0.0', '200']);
  assert.match(example.stdout, /output y: float32 \(1, 10\)\n200 turns: median/);
});
