import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

const repo = {
  id: 'acme/net',
  license: 'cc-by-nc-4.0',
  files: {
    'config.json': '{}',
    'modeling.py': 'import os',
    'model.safetensors': Buffer.alloc(3_000_000),
    'onnx/model.onnx': tinyOnnx(),
    'onnx/model_q4.onnx': tinyOnnx(),
  },
};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    repos: [
      repo,
      { id: 'acme/many', files: Object.fromEntries(manyFiles()) },
      {
        id: 'acme/odd',
        files: { 'model.onnx': tinyOnnx(), 'LICENSE\u00e9': 'a', 'LICENSEe\u0301': 'b' },
      },
      { id: 'acme/deep', files: { [`${'a/'.repeat(80)}model.onnx`]: tinyOnnx() } },
      {
        id: 'acme/fold',
        files: { 'model.onnx': tinyOnnx(), 'LICENSE-\u00df': 'a', 'LICENSE-SS': 'b' },
      },
    ],
    pageSize: 1000,
  });
});
after(() => double.close());

function* manyFiles(): Generator<[string, string | Buffer]> {
  yield ['onnx/model.onnx', tinyOnnx()];
  for (let i = 0; i < 9_999; i++) yield [`onnx/part_${i}/model_${i}.onnx`, ''];
}

interface DryRun {
  readonly license: string;
  readonly bytes: number;
  readonly files: { readonly path: string }[];
  readonly selection: {
    readonly rule: string;
    readonly left_out: { readonly path: string; readonly why: string }[];
    readonly left_out_bytes: number;
  };
}

test('a dry run says what would come, under which licence, and what stays and why; nothing is fetched', async (t) => {
  const home = makeHome(t, double);
  double.seen.length = 0;
  const shown = await home.axon('install', 'hf/acme/net', '--dry-run');
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /licence +cc-by-nc-4\.0/);
  assert.match(shown.stdout, /chosen +format onnx \(first of onnx, safetensors\), variant plain/);
  assert.match(shown.stdout, /Left out: 3 files, 3\.0 MB/);
  assert.match(shown.stdout, /code; only with --allow-code +1 .*modeling\.py/);
  assert.match(
    shown.stdout,
    /another format; --format safetensors +1 +3\.0 MB +model\.safetensors/,
  );
  const asked = double.seen.map((seen) => seen.path);
  assert.ok(
    asked.every((url) => url.startsWith('/api/')),
    asked.join(),
  );
  assert.deepEqual(home.installed(), []);

  const json = (await home.axon('install', 'hf/acme/net', '--dry-run', '--json')).json<DryRun>();
  assert.deepEqual(
    json.files.map((file) => file.path),
    ['config.json', 'onnx/model.onnx'],
  );
  assert.equal(json.license, 'cc-by-nc-4.0');
  assert.ok(json.selection.left_out_bytes > 3_000_000);
});

test('the manifest keeps what decided and how much was left out', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'hf/acme/net', '--variant', 'q4', '--allow-code');
  assert.equal(done.status, 0, done.stderr);
  const dir = path.join(home.models, 'hf/acme/net/latest');
  const manifest = parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
  assert.deepEqual(manifest.distribution?.selection, {
    rule: 'format onnx (first of onnx, safetensors), variant q4 (--variant), in onnx/',
    format: 'onnx',
    variant: 'q4',
    excluded: 2,
    bytes: 3_000_000 + tinyOnnx().length,
  });
  assert.ok(fs.existsSync(path.join(dir, 'modeling.py')));
});

test('flags that choose files are not passed over where the model is installed', async (t) => {
  const home = makeHome(t, double);
  const install = (...flags: string[]) => home.axon('install', 'hf/acme/net', ...flags);
  assert.equal((await install()).status, 0);
  double.seen.length = 0;
  for (const flags of ['--format onnx', '--variant plain', '--variant fp32', '--format auto', '']) {
    const { status, stdout } = await install(...flags.split(' ').filter(Boolean));
    assert.deepEqual([status, /is already installed/.test(stdout)], [0, true], flags);
  }
  for (const flags of [
    ['--format', 'gguf'],
    ['--variant', 'q4'],
    ['--include', 'x*'],
    ['--exclude', '*.md'],
    ['--all'],
    ['--format', 'onnx', '--all'],
    ['--allow-code'],
  ]) {
    const { status, stderr } = await install(...flags);
    assert.equal(status, 16, `${flags.join(' ')}: ${stderr}`);
    assert.match(stderr, /another choice of files \(the usual one\) than --.*--as.*--force/);
  }
  assert.deepEqual(double.seen, [], 'nothing is asked of the hub');
  const shown = await install('--dry-run', '--all');
  assert.match(shown.stdout, /Would install .*: 4 files/);
  assert.match(shown.stdout, /is there +already; --force replaces it/);
  const files = async (...flags: string[]) =>
    (await install(...flags, '--json')).json<{ files: unknown[] }>().files.length;
  const whole = ['--all', '--exclude', '*.md'];
  assert.equal(await files(...whole, '--force'), await files(...whole));
  const back = await install('--format', 'onnx');
  assert.equal(back.status, 16, back.stderr);
  assert.match(back.stderr, /\(--all --exclude "\*\.md"\) than --format onnx/);
});

test('of a model whose choice was not noted the manifest tells format and variant', async (t) => {
  const home = makeHome(t, double);
  assert.equal((await home.axon('install', 'hf/acme/net')).status, 0);
  const note = path.join(home.models, 'hf/acme/net/latest/.axon_metadata.json');
  const { asked: _, ...rest } = JSON.parse(fs.readFileSync(note, 'utf8')) as { asked: unknown };
  fs.writeFileSync(note, JSON.stringify(rest));
  assert.equal((await home.axon('install', 'hf/acme/net', '--format', 'onnx')).status, 0);
  const other = await home.axon('install', 'hf/acme/net', '--all');
  assert.match(other.stderr, /\(it is not known which\) than --all/);
});

test('ten thousand files are planned', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'hf/acme/many', '--dry-run', '--json');
  assert.equal(done.status, 0, done.stderr);
  const { files, selection } = done.json<DryRun>();
  assert.deepEqual([files.length, selection.left_out.length], [1, 9_999]);
});

for (const name of ['odd', 'fold'])
  test(`names that a file system may take for one are refused: ${name}`, async (t) => {
    const home = makeHome(t, double);
    const done = await home.axon('install', `hf/acme/${name}`);
    assert.equal(done.status, 11, done.stderr);
    assert.match(done.stderr, /collides with/);
    assert.deepEqual(home.installed(), []);
  });

test('a name deeper than any package needs is refused', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'hf/acme/deep');
  assert.equal(done.status, 11, done.stderr);
  assert.match(done.stderr, /deeper than 64 folders/);
});
