import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { root } from '../house/tree.ts';
import { matMulModel } from '../onnx-models.ts';
import { findPython } from './interpreter.ts';
import { writePrograms } from './page.ts';
import { run } from './run.ts';
import { orSkip } from './skip.ts';

// Guards: the programs of docs/open-inference-protocol.md do what the page says, against a daemon.

const watchdog = { timeout: 300_000 };

async function start(t: TestContext) {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'demo/linear@1.0.0', model: matMulModel(64, 10) });
  const programs = await writePrograms('open-inference-protocol.md', (name, text) =>
    place.file(name, text),
  );
  const env = { MLOS_URL: `http://127.0.0.1:${daemon.httpPort}` };
  return { programs, env, place };
}

test('the program in curl', watchdog, async (t) => {
  if (spawnSync('curl', ['--version'], { stdio: 'ignore' }).status !== 0) {
    return t.skip(orSkip('no curl'));
  }
  const { programs, env } = await start(t);
  assert.deepEqual([...programs.keys()], ['linear.sh', 'linear.ts', 'linear.py']);
  const { code, stdout, stderr } = await run('sh', ['-e', programs.get('linear.sh') ?? ''], {
    env,
  });
  assert.equal(code, 0, stderr);
  const [elements, classes] = stdout.trim().split('\n');
  const first = JSON.parse(elements ?? '');
  assert.deepEqual([first.id, first.outputs[0].shape], ['first', [1, 10]]);
  const [output] = JSON.parse(classes ?? '').outputs;
  assert.match(output.data[0], /^0\.375000:6$/);
  assert.equal(output.data.length, 3);
});

test('the program in TypeScript', watchdog, async (t) => {
  const { programs, env, place } = await start(t);
  // It is checked by the compiler of this project, then run without its types.
  const source = programs.get('linear.ts') ?? '';
  const compiler = join(root, 'node_modules/.bin/tsc');
  const options = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  const typeRoots = ['--typeRoots', join(root, 'node_modules/@types')];
  await place.file('package.json', '{"type":"module"}');
  const strict = [...options, ...typeRoots, '--skipLibCheck', source];
  const compiled = await run(compiler, strict, { cwd: place.folder });
  assert.equal(compiled.code, 0, compiled.stdout);
  const { code, stdout, stderr } = await run(process.execPath, [source.replace(/ts$/, 'js')], {
    env,
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^y \[ 2, 10 \] 20 -?[\d.]+\n$/);
});

test('the program in Python, with the stock client', watchdog, async (t) => {
  const { program, skip } = findPython({ 'tritonclient.http': 'tritonclient[http]' });
  if (skip !== false) return t.skip(skip);
  const { programs, env } = await start(t);
  const { code, stdout, stderr } = await run(program, [programs.get('linear.py') ?? ''], { env });
  assert.equal(code, 0, stderr);
  const [inputs, shape, status] = stdout.trim().split('\n');
  assert.match(inputs ?? '', /'datatype': 'FP32'/);
  assert.deepEqual([shape, status], ['(2, 10)', '404']);
});
