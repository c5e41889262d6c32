import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { root } from '../house/tree.ts';
import { matMulModel } from '../onnx-models.ts';
import { findPython } from './interpreter.ts';
import { writePrograms } from './page.ts';
import { run } from './run.ts';

// Guards: the programs of docs/grpc.md work as they stand there, with other people's gRPC.

const watchdog = { timeout: 300_000 };

async function start(t: TestContext) {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'demo/linear@1.0.0', model: matMulModel(4, 3) });
  const programs = await writePrograms('grpc.md', (name, text) => place.file(name, text));
  assert.deepEqual([...programs.keys()], ['infer.mjs', 'infer.py', 'triton.py']);
  const env = { MLOS_PROTO: join(root, 'proto'), MLOS_GRPC: `127.0.0.1:${daemon.grpcPort}` };
  return { place, daemon, programs, env };
}

test('the TypeScript of docs/grpc.md', watchdog, async (t) => {
  const { place, programs, env } = await start(t);
  await mkdir(join(place.folder, 'node_modules'));
  await symlink(join(root, 'node_modules/@grpc'), join(place.folder, 'node_modules/@grpc'));
  const { code, stdout, stderr } = await run(process.execPath, [programs.get('infer.mjs') ?? ''], {
    env,
  });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'y float32 1x3 12\n3 MISSING_INPUT\n');
});

const python = findPython({ numpy: 'numpy', grpc: 'grpcio', grpc_tools: 'grpcio-tools' });

test('the Python of docs/grpc.md', { ...watchdog, skip: python.skip }, async (t) => {
  const { programs, env } = await start(t);
  const { code, stdout, stderr } = await run(python.program, [programs.get('infer.py') ?? ''], {
    env,
  });
  assert.equal(code, 0, stderr);
  const lines = ['y float32 (1, 3)', '0 response', '1 response', '2 response'];
  assert.deepEqual(stdout.trim().split('\n'), [...lines, 'NOT_FOUND MODEL_NOT_FOUND']);
});

const stock = findPython({ numpy: 'numpy', 'tritonclient.grpc': 'tritonclient[grpc]' });

test('the stock client of docs/grpc.md', { ...watchdog, skip: stock.skip }, async (t) => {
  const { programs, env } = await start(t);
  const { code, stdout, stderr } = await run(stock.program, [programs.get('triton.py') ?? ''], {
    env,
  });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '(1, 3)\n');
});

const grpcurl = spawnSync('grpcurl', ['--version']).error === undefined;

test('grpcurl, as in docs/grpc.md', {
  ...watchdog,
  skip: grpcurl ? false : 'no grpcurl',
}, async (t) => {
  const { daemon } = await start(t);
  const target = `127.0.0.1:${daemon.grpcPort}`;
  const listed = await run('grpcurl', ['-plaintext', target, 'list']);
  assert.match(listed.stdout, /^mlos\.v1\.InferenceService$/m);
  const inputs = [{ name: 'x', json: [[1, 2, 3, 4]] }];
  const request = JSON.stringify({ model_id: 'demo/linear@1.0.0', inputs });
  const args = ['-plaintext', '-d', request, target, 'mlos.v1.InferenceService/Infer'];
  const { code, stdout, stderr } = await run('grpcurl', args);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).outputs[0].tensor.dtype, 'float32');
});
