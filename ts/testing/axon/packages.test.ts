import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

const words = JSON.stringify(Array.from({ length: 400 }, (_, i) => `word${i}`));

async function makeModel(home: Home): Promise<string> {
  const folder = path.join(home.dir, 'net');
  fs.mkdirSync(path.join(folder, 'more'), { recursive: true });
  for (const [name, data] of Object.entries({
    'model.onnx': tinyOnnx({ weights: [{ name: 'w', location: 'w.bin' }] }),
    'w.bin': Buffer.alloc(5_000, 'weights'),
    'tokenizer.json': words,
    'more/vocab.txt': words.repeat(3),
    'more/vocab.txt.gz': 'is a file of its own',
    LICENSE: 'short',
    'é name #1.txt': words,
  }))
    fs.writeFileSync(path.join(folder, name), data);
  const made = await home.axon('install', './net', '--all', '--as', 'my/net@1');
  assert.equal(made.status, 0, made.stderr);
  return path.join(home.models, 'my/net/1');
}

const tree = (dir: string) =>
  (fs.readdirSync(dir, { recursive: true }) as string[])
    .filter((name) => fs.statSync(path.join(dir, name)).isFile() && !name.startsWith('.axon'))
    .sort()
    .map((name) => [name, fs.readFileSync(path.join(dir, name))] as const);

test('an archive: text compressed, weights as they are; common tools unpack it', async (t) => {
  const home = makeHome(t);
  const dir = await makeModel(home);
  assert.equal((await home.axon('pack', 'my/net@1', '-o', 'a.axon')).status, 0);
  const listed = execFileSync('tar', ['tf', path.join(home.dir, 'a.axon')], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  assert.deepEqual(listed.split('\n').slice(0, -1).sort(), [
    'LICENSE',
    'manifest.yaml',
    'model.onnx',
    'more/vocab.txt',
    'more/vocab.txt.gz',
    'tokenizer.json.gz',
    'w.bin',
    'é name #1.txt.gz',
  ]);
  assert.ok(listed.startsWith('manifest.yaml\n'));
  const by = path.join(home.dir, 'by-tools');
  fs.mkdirSync(by);
  const shell = 'tar xf ../a.axon && gunzip tokenizer.json.gz "é name #1.txt.gz"';
  execFileSync('sh', ['-c', shell], { cwd: by });
  assert.deepEqual(tree(by), tree(dir));

  const unpacked = await home.axon('unpack', 'a.axon', '--json');
  assert.equal(unpacked.status, 0, unpacked.stderr);
  assert.equal(unpacked.json()['directory'], path.join(home.dir, 'my_net-1'));
  assert.deepEqual(tree(path.join(home.dir, 'my_net-1')), tree(dir));
  assert.equal((await home.axon('unpack', 'a.axon')).status, 16);
  const again = await home.axon('pack', './my_net-1', '-o', 'b.axon', '--json');
  const archive = (name: string) => fs.readFileSync(path.join(home.dir, name));
  assert.ok(again.status === 0 && archive('b.axon').equals(archive('a.axon')));
});

test('validate: an archive, a folder, a manifest, and what is wrong with each', async (t) => {
  const home = makeHome(t);
  await makeModel(home);
  await home.axon('pack', 'my/net@1', '-o', 'a.axon');
  await home.axon('unpack', 'a.axon', '-C', 'out');
  for (const what of ['a.axon', './out', './out/manifest.yaml', 'my/net@1'])
    assert.equal((await home.axon('validate', what)).status, 0, what);
  const manifest = path.join(home.dir, 'out/manifest.yaml');
  const text = fs.readFileSync(manifest, 'utf8');
  const says = async (changed: string, pattern: RegExp) => {
    fs.writeFileSync(manifest, changed);
    const ended = await home.axon('validate', './out/manifest.yaml');
    assert.equal(ended.status, 12, ended.stderr);
    assert.match(ended.stderr, pattern);
  };
  await says(text.replace('kind: Model', 'kind: Modell'), /kind/);
  await says(text.replace(/license: .*/, 'created: yesterday'), /metadata\.created/);
  await says(text.replace(/sha256: \w+/, 'sha256: abc'), /sha256/);
  fs.writeFileSync(manifest, text);
  fs.writeFileSync(path.join(home.dir, 'out/w.bin'), Buffer.alloc(5_000, 'other'));
  fs.rmSync(path.join(home.dir, 'out/LICENSE'));
  const damaged = await home.axon('validate', './out');
  assert.equal(damaged.status, 18);
  assert.match(damaged.stderr, /missing: LICENSE; damaged: w\.bin/);
  assert.equal((await home.axon('pack', './out')).status, 18 + 1);
  assert.equal((await home.axon('validate', './none.axon')).status, 5);
});

test('validate names what the schema lets pass and install, daemon or reader would not', async (t) => {
  const home = makeHome(t);
  const dir = await makeModel(home);
  const manifest = path.join(home.dir, 'manifest.yaml');
  const text = fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8');
  const spec = (lines: string) => text.replace('\nspec:\n', `\nspec:\n${lines}\n`);
  for (const [changed, says] of [
    [spec('  dependencies: {models: [../../../etc/passwd]}'), /models: "\.\.\/\.\.\/.* is no id/],
    [spec('  dependencies: {packages: [{name: "x; rm -rf /"}]}'), /"x; rm -rf \/" is no name/],
    [spec('  dependencies: {packages: [{name: x, version: new}]}'), /x: "new" is no version/],
    [spec('  requirements: {compute: {cpu: {min_cores: 0}}}'), /min_cores must be at least 1/],
    [text.replace(/license: .*/, 'license: ""'), /license is empty/],
    [text.replace(/license: .*/, 'homepage: javascript:alert(1)'), /homepage must be an http/],
    [text.replace(/( +)execution_format:/, '$1multi_encoder: zzz\n$&'), /multi_encoder is "zzz"/],
  ] as const) {
    assert.notEqual(changed, text);
    fs.writeFileSync(manifest, changed);
    const ended = await home.axon('validate', './manifest.yaml');
    assert.equal(ended.status, 12, ended.stderr);
    assert.match(ended.stderr, says);
  }
});

test('validate looks at what the files are, in an archive as in a folder', async (t) => {
  const home = makeHome(t);
  const page = '<!DOCTYPE html><html><body>Log in</body></html>';
  const sha256 = createHash('sha256').update(page).digest('hex');
  for (const name of ['model.onnx', 'model.safetensors']) {
    const folder = path.join(home.dir, name.replace('.', '-'));
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, name), page);
    const manifest = `apiVersion: axon.mlos.io/v1
kind: Model
metadata: {name: net, namespace: my, version: "1"}
spec:
  framework: {name: unknown}
  format:
    type: ${name.split('.')[1] ?? ''}
    execution_format: ${name.split('.')[1] ?? ''}
    files: [{path: ${name}, size: ${page.length}, sha256: ${sha256}, verified_by: local}]
    execution_files: [{path: ${name}, format: ${name.split('.')[1] ?? ''}, type: single}]
`;
    fs.writeFileSync(path.join(folder, 'manifest.yaml'), manifest);
    const archive = path.join(home.dir, `${name}.axon`);
    execFileSync('tar', ['cf', archive, '-C', folder, 'manifest.yaml', name]);
    for (const what of [folder, archive]) {
      const ended = await home.axon('validate', what);
      assert.equal(ended.status, 12, ended.stderr);
      assert.ok(ended.stderr.includes(`${name} is a web page, not a model`), ended.stderr);
    }
  }
});

test('a model file by itself is no package: what is one, and how to make one of it', async (t) => {
  const home = makeHome(t);
  await makeModel(home);
  const file = path.join(home.dir, 'net.onnx');
  fs.writeFileSync(file, tinyOnnx());
  for (const command of ['validate', 'verify', 'pack']) {
    const ended = await home.axon(command, './net.onnx');
    assert.equal(ended.status, 12, command);
    assert.match(
      ended.stderr,
      /net\.onnx is a model file \(onnx\), not a package\. Name a package folder, an \.axon file or an installed model\..* axon pack/,
    );
  }
  await home.axon('pack', 'my/net@1', '-o', 'net.onnx');
  assert.equal((await home.axon('validate', './net.onnx')).status, 0, 'an archive of that name');
});

test('a manifest with everything that the schema has is read and kept', async (t) => {
  const home = makeHome(t);
  await makeModel(home);
  await home.axon('pack', 'my/net@1', '-o', 'a.axon');
  await home.axon('unpack', 'a.axon', '-C', 'out');
  const manifest = path.join(home.dir, 'out/manifest.yaml');
  const more = `  authors:
    - {name: A. Uthor, email: a@example.com, organization: Example}
  created: 2024-05-06T07:08:09Z
  updated: 2024-05-06T07:08:09.123+02:00
  documentation: https://example.com/docs
spec:
  requirements:
    compute:
      cpu: {min_cores: 2, recommended_cores: 4}
      memory: {min_gb: 2.0, recommended_gb: 4.0}
      gpu: {required: false, recommended: true, min_vram_gb: 4, cuda_version: "12.1"}
    storage: {min_gb: 1, recommended_gb: 2}
  performance:
    inference_time: {cpu: 50ms}
    throughput: {cpu: 20/s}
    accuracy: {top1: 0.76}
    dataset: ImageNet
`;
  const text = fs.readFileSync(manifest, 'utf8');
  fs.writeFileSync(manifest, text.replace('\nspec:\n', `\n${more}`));
  const packed = await home.axon('pack', './out', '-o', 'b.axon');
  assert.equal(packed.status, 0, packed.stderr);
  const other = makeHome(t);
  const installed = await other.axon('install', path.join(home.dir, 'b.axon'));
  assert.equal(installed.status, 0, installed.stderr);
  const kept = parseManifest(
    fs.readFileSync(path.join(other.models, 'my/net/1/manifest.yaml'), 'utf8'),
  );
  assert.equal(kept.spec.performance?.accuracy?.['top1'], 0.76);
  assert.equal(kept.metadata.authors?.[0]?.organization, 'Example');
  assert.equal(kept.spec.requirements?.compute?.gpu?.cuda_version, '12.1');
});

test('a package of ten thousand files is installed, packed and taken elsewhere', async (t) => {
  const home = makeHome(t);
  const folder = path.join(home.dir, 'many');
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'model.onnx'), tinyOnnx());
  for (let i = 0; i < 9_999; i++) fs.writeFileSync(path.join(folder, `word-${i}.txt`), `${i}`);
  const made = await home.axon('install', './many', '--all', '--as', 'my/many@1');
  assert.equal(made.status, 0, made.stderr);
  assert.equal((await home.axon('pack', 'my/many@1', '-o', 'many.axon')).status, 0);
  const there = makeHome(t);
  const installed = await there.axon('install', path.join(home.dir, 'many.axon'));
  assert.equal(installed.status, 0, installed.stderr);
  assert.equal((await there.axon('verify', 'my/many@1')).status, 0);
});

test('a package whose name leads out of the store is refused', async (t) => {
  const home = makeHome(t);
  const dir = await makeModel(home);
  const yaml = path.join(dir, 'manifest.yaml');
  const text = fs.readFileSync(yaml, 'utf8');
  for (const [from, to] of [
    ['namespace: my', 'namespace: ..'],
    ['name: net', 'name: ../../x'],
  ] as const) {
    assert.ok(text.includes(from));
    fs.writeFileSync(yaml, text.replace(from, to));
    assert.equal((await home.axon('validate', dir)).status, 12, to);
    assert.equal((await home.axon('import', dir)).status, 12, to);
  }
});
