import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseManifest } from '../../protocol/manifest.ts';
import { goodToken, headOf } from '../hub-double/hf.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx_data' }] });
const repo = {
  id: 'acme/bert',
  aliases: ['bert'],
  files: {
    '.gitattributes': 'x',
    'README.md': '# bert',
    'config.json': '{}',
    'tokenizer.json': '{}',
    'nested dir/a#b+c %25.txt': 'odd',
    'onnx/model.onnx': onnx,
    'onnx/model.onnx_data': Buffer.alloc(200_000, 7),
    'onnx/model_fp16.onnx': tinyOnnx(),
    'model.safetensors': Buffer.alloc(100),
  },
};
const evil = { id: 'acme/evil', files: { '../../evil.onnx': onnx, 'config.json': '{}' } };
const gated = { id: 'acme/gated', gated: true, files: { 'model.onnx': tinyOnnx() } };

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [repo, evil, gated], pageSize: 2 });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

/** The bytes on disk are those of the double, not only what a manifest says of them. */
function assertWhole(models: string): void {
  for (const name of ['config.json', 'onnx/model.onnx', 'onnx/model.onnx_data'] as const) {
    const bytes = fs.readFileSync(path.join(dirOf(models), name));
    assert.ok(bytes.equals(Buffer.from(repo.files[name])), name);
  }
}

const dirOf = (models: string) => path.join(models, 'hf/acme/bert/latest');

test('a repository is pinned to its commit, one variant is chosen, every hash is checked', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axonWith(
    { HF_TOKEN: goodToken },
    'install',
    'hf/acme/bert@latest',
    '--json',
  );
  assert.equal(done.status, 0, done.stderr);
  const manifest = parseManifest(
    fs.readFileSync(path.join(dirOf(home.models), 'manifest.yaml'), 'utf8'),
  );
  assert.deepEqual(
    manifest.spec.format.files.map((file) => `${file.path} ${file.verified_by}`),
    [
      'README.md git-sha1',
      'config.json git-sha1',
      'onnx/model.onnx sha256',
      'onnx/model.onnx_data sha256',
      'tokenizer.json git-sha1',
    ],
  );
  assert.equal(manifest.metadata.license, 'Apache-2.0');
  assert.equal(manifest.distribution?.source?.revision, headOf(repo));
  for (const { on, headers } of double.seen) {
    assert.equal(headers.authorization, on === 'hf' ? `Bearer ${goodToken}` : undefined, on);
    assert.equal(headers['accept-encoding'], 'identity');
  }
  const offline = await home.axonWith(
    { HF_ENDPOINT: 'http://127.0.0.1:1' },
    'install',
    'hf/acme/bert',
    '--json',
  );
  assert.equal(offline.json()['status'], 'already-installed');
});

test('a former id, a commit as version, a variant, odd names', async (t) => {
  const home = makeHome(t, double);
  assert.equal((await home.axon('install', 'huggingface/bert', '--variant', 'fp16')).status, 0);
  const odd = await home.axon(
    'install',
    `hf/acme/bert@${headOf(repo)}`,
    '--include',
    'nested dir/*',
    '--include',
    '*fp16.onnx',
  );
  assert.equal(odd.status, 0, odd.stderr);
  assert.ok(
    fs.existsSync(path.join(home.models, `hf/acme/bert/${headOf(repo)}/nested dir/a#b+c %25.txt`)),
  );
  assert.equal((await home.axon('install', 'hf/acme/bert@nope')).status, 5);
  assert.equal((await home.axon('install', 'hf/acme/none')).status, 5);
  assert.equal((await home.axon('install', 'hf/acme/bert', '--format', 'gguf')).status, 14);
  const evilEnd = await home.axon('install', 'hf/acme/evil');
  assert.equal(evilEnd.status, 11, evilEnd.stderr);
});

test('tokens: a bad one is dropped with a note, a gated repository says what to do', async (t) => {
  const home = makeHome(t, double);
  const bad = await home.axonWith({ HF_TOKEN: 'hf_bad' }, 'install', 'hf/acme/bert');
  assert.equal(bad.status, 0, bad.stderr);
  assert.match(bad.stderr, /token \(HF_TOKEN\) is not valid/);
  const closed = await home.axon('install', 'hf/acme/gated');
  assert.equal(closed.status, 6);
  assert.match(closed.stderr, /accept its terms/);
  assert.equal(
    (await home.axonWith({ HF_TOKEN: goodToken }, 'install', 'hf/acme/gated')).status,
    0,
  );
});

const data = 'Signature';
test('what an interrupted install had fetched is not fetched again', async (t) => {
  const home = makeHome(t, double);
  double.lie({ on: 'hf', match: 'onnx_data', kind: 'status', status: 503 });
  assert.equal((await home.axon('install', 'hf/acme/bert')).status, 7);
  assert.deepEqual(home.installed(), []);
  double.tellTheTruth();
  double.seen.length = 0;
  assert.equal((await home.axon('install', 'hf/acme/bert')).status, 0);
  assert.equal(double.seen.filter(({ on }) => on === 'cdn').length, 1, 'one file was missing');
  assertWhole(home.models);
});

test('Ctrl-C in the middle leaves nothing visible; the next install goes on', async (t) => {
  const home = makeHome(t, double);
  double.lie({ on: 'cdn', match: data, kind: 'stall', times: 1 });
  const { child, ended } = home.start('install', 'hf/acme/bert');
  while (!double.seen.some(({ on }) => on === 'cdn')) await sleep(20);
  await sleep(100);
  child.kill('SIGINT');
  const stopped = await ended;
  assert.equal(stopped.status, 130, stopped.stderr);
  assert.deepEqual(home.installed(), []);
  assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/locks')), []);
  assert.equal((await home.spawned('install', 'hf/acme/bert')).status, 0);
  assertWhole(home.models);
});

test('kill -9 in the middle: the next install takes the lock over and goes on', async (t) => {
  const home = makeHome(t, double);
  double.lie({ on: 'cdn', match: data, kind: 'stall', times: 1 });
  const { child, ended } = home.start('install', 'hf/acme/bert');
  while (!double.seen.some(({ on }) => on === 'cdn')) await sleep(20);
  await sleep(100);
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual(home.installed(), []);
  const locks = () => fs.readdirSync(path.join(home.dir, 'cache/locks'));
  assert.equal(locks().length, 2, 'of the model, and of what its source names');
  double.seen.length = 0;
  assert.equal((await home.axon('install', 'hf/acme/bert')).status, 0);
  assert.deepEqual(locks(), []);
  assert.ok(
    double.seen.some(({ headers }) => headers.range !== undefined),
    'it went on in the middle',
  );
  assertWhole(home.models);
});
