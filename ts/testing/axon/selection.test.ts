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
