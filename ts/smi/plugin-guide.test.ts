import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { readPluginFolder } from '../daemon/plugin/discover.ts';
import { PluginHost } from '../daemon/plugin/host.ts';
import { Tensor } from '../protocol/tensor.ts';
import { smiMethods } from './contract.ts';

const root = join(import.meta.dirname, '../..');
const guide = await readFile(join(root, 'docs/plugin-guide.md'), 'utf8');

/** The listing whose first line names the file. */
function listing(file: string): string {
  const found = [...guide.matchAll(/```(?:js|yaml)\n(.*?)```/gs)].map((match) => match[1] ?? '');
  const text = found.find((body) => /^(\/\/|#) (\S+)/.exec(body)?.[2] === file);
  assert.ok(text !== undefined, `docs/plugin-guide.md has a listing of ${file}`);
  return text;
}

async function writePlugin(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-guide-'));
  for (const file of ['plugin.yaml', 'main.mjs'])
    await writeFile(join(folder, file), listing(file));
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules/mlos'));
  return folder;
}

test('the plugin of the guide works as it stands there', { timeout: 60_000 }, async (t) => {
  const folder = await writePlugin();
  const logger = pino({ level: 'silent' });
  const descriptor = await readPluginFolder(folder);
  const host = new PluginHost({ descriptor, hostId: 'guide', logger });
  t.after(async () => {
    await host.stop();
    await rm(folder, { recursive: true });
  });
  const file = join(folder, 'model.scale');
  await writeFile(file, '2.5');
  const { signature } = await host.load({ modelId: 'a/b@1', path: folder, file });
  assert.deepEqual(signature.inputs, [{ name: 'x', dtype: 'float32', shape: [-1] }]);
  const x = new Tensor('float32', [2], new Uint8Array(new Float32Array([2, -4]).buffer));
  const { outputs } = await host.infer({ modelId: 'a/b@1', inputs: { x }, timeoutMs: 30_000 });
  assert.deepEqual(outputs['y']?.toJSON(), [5, -10]);
});

test('started by hand, without a daemon, it says what it is', { timeout: 60_000 }, async (t) => {
  const folder = await writePlugin();
  t.after(() => rm(folder, { recursive: true }));
  const { stderr, status } = spawnSync(process.execPath, ['main.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.match(stderr, /scale 1\.0\.0 is an MLOS plugin/);
  assert.equal(status, 64);
});

test('the guide names every method of the contract', () => {
  for (const method of smiMethods) assert.ok(guide.includes(`\`${method}\``), method);
});
