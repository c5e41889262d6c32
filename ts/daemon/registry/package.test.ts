import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { absolutePath, readPackage } from './package.ts';

const files: Readonly<Record<string, string>> = {
  'model.onnx': 'the graph',
  'model.onnx_data': 'the weights',
  'tokenizer/tokenizer.json': '{}',
  'model.safetensors': 'weights of another format',
};

async function makePackage(t: { after(done: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-package-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const listed = Object.entries(files).map(([path, text]) => ({
    path,
    size: text.length,
    sha256: createHash('sha256').update(text).digest('hex'),
    verified_by: 'local',
  }));
  const manifest = {
    apiVersion: 'axon.mlos.io/v1',
    kind: 'Model',
    metadata: { name: 'net', namespace: 'my', version: '1' },
    spec: {
      framework: { name: 'onnx' },
      format: { type: 'onnx', execution_format: 'onnx', files: listed },
    },
  };
  await writeFile(join(folder, 'manifest.yaml'), stringify(manifest));
  return folder;
}

test('a package is taken when every file is what its manifest says', async (t) => {
  const folder = await makePackage(t);
  const found = await readPackage({ path: folder });
  assert.deepEqual([found.file, found.name, found.executionFormat], ['model.onnx', 'net', 'onnx']);
  assert.match(found.promisedDigest ?? '', /^[0-9a-f]{64}$/);
  // What is never loaded may be gone.
  await rm(join(folder, 'model.safetensors'));
  assert.equal((await readPackage({ path: `file://${folder}` })).file, 'model.onnx');
});

test('the first file that differs is named, whatever it is', async (t) => {
  const folder = await makePackage(t);
  const refuses = (message: RegExp) =>
    assert.rejects(readPackage({ path: folder }), { code: 'DATA_CORRUPTED', message });
  await writeFile(join(folder, 'model.onnx_data'), 'the wEights');
  await refuses(/model\.onnx_data has sha256 [0-9a-f]{64}, but its manifest says/);
  await writeFile(join(folder, 'tokenizer/tokenizer.json'), '{ }');
  await refuses(/tokenizer\.json has size 3, but its manifest says 2/);
  await rm(join(folder, 'tokenizer/tokenizer.json'));
  await refuses(/tokenizer\.json is missing/);
  await symlink('/etc/passwd', join(folder, 'tokenizer/tokenizer.json'));
  await assert.rejects(readPackage({ path: folder }), { code: 'PERMISSION_DENIED' });
  await rm(join(folder, 'tokenizer/tokenizer.json'));
  execFileSync('mkfifo', [join(folder, 'tokenizer/tokenizer.json')]);
  await assert.rejects(readPackage({ path: folder }), { code: 'INVALID_ARGUMENT' });
});

test('a file that the manifest does not list is none of its business', async (t) => {
  const folder = await makePackage(t);
  await rm(join(folder, 'model.onnx_data'));
  await writeFile(join(folder, 'other.onnx'), '');
  const found = await readPackage({ path: join(folder, 'other.onnx') });
  assert.deepEqual([found.file, found.promisedDigest], ['other.onnx', null]);
});

test('a folder without a manifest: what is no file is no model', async (t) => {
  const folder = await makePackage(t);
  await rm(join(folder, 'manifest.yaml'));
  execFileSync('mkfifo', [join(folder, 'pipe.onnx')]);
  await mkdir(join(folder, 'folder.onnx'));
  assert.equal((await readPackage({ path: folder, executionFormat: 'onnx' })).file, 'model.onnx');
  await assert.rejects(readPackage({ path: join(folder, 'pipe.onnx') }), {
    code: 'INVALID_ARGUMENT',
    message: /pipe\.onnx is a named pipe/,
  });
  await writeFile(join(folder, 'second.onnx'), '');
  await assert.rejects(readPackage({ path: folder, executionFormat: 'onnx' }), {
    message: /several onnx files \(model\.onnx, second\.onnx\)/,
  });
});

test('a path is absolute and on this host', () => {
  assert.equal(absolutePath('file:///a%20b', 'path'), '/a b');
  for (const text of ['a', './a', '', '/a\0b', 'file://elsewhere/a', 'file:///a%2Fb', 'file://%']) {
    assert.throws(() => absolutePath(text, 'path'), { code: 'INVALID_ARGUMENT' }, text);
  }
});
