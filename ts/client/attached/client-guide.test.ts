import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { withFakeDaemon } from '../../testing/attach/with-fake.ts';
import { matMulModel } from '../../testing/onnx-models.ts';

const root = join(import.meta.dirname, '../../..');
const watchdog = { timeout: 60_000 };

/** Runs a program as a user would who has installed the package. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<[number, string]> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await new Promise<number>((resolve) => child.once('close', resolve));
  return [code, (await output).join('')];
}

test('the program of docs/client.md works as it stands there', watchdog, async () => {
  const page = await readFile(join(root, 'docs/client.md'), 'utf8');
  const [, program] = /```js\n(\/\/ app\.mjs\n.*?)```/s.exec(page) ?? [];
  assert.ok(program !== undefined, 'docs/client.md has a listing of app.mjs');
  const folder = await mkdtemp(join(tmpdir(), 'mlos-client-'));
  try {
    await writeFile(join(folder, 'app.mjs'), program);
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules/mlos'));
    await withFakeDaemon({ 'my/mlp@1': matMulModel(4, 3) }, async ({ daemon }) => {
      const env = { MLOS_SOCKET: daemon.socketPath };
      const [code, output] = await run([join(folder, 'app.mjs')], env);
      const expected = [
        'my/mlp@1 x',
        '1x3 3',
        '0 2x3',
        '1 2x3',
        '2 2x3',
        'sync 6',
        'CANCELLED',
        '',
      ];
      assert.deepEqual([code, output.split('\n')], [0, expected]);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('examples/attached.mjs works', watchdog, async () => {
  await withFakeDaemon({ 'my/mlp@1': matMulModel(4, 3) }, async ({ daemon }) => {
    const program = join(root, 'examples/attached.mjs');
    const [code, output] = await run([program, 'my/mlp@1', daemon.socketPath], {});
    assert.equal(code, 0, output);
    assert.match(
      output,
      /^infer +1x3 .*\nawait infer .*\ninferSync .*\npipelined .* requests\/s\n$/s,
    );
  });
});
