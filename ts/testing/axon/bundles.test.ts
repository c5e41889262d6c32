import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/** Two models that share their data file; the second is signed. */
async function makeModels(home: Home): Promise<void> {
  for (const name of ['a', 'b']) {
    const folder = path.join(home.dir, name);
    fs.mkdirSync(folder);
    const model = tinyOnnx({
      weights: [{ name: 'w', location: 'w.bin' }],
      inputs: [{ name: `x-${name}`, shape: [1] }],
    });
    fs.writeFileSync(path.join(folder, 'model.onnx'), model);
    fs.writeFileSync(path.join(folder, 'w.bin'), Buffer.alloc(70_000, 'shared'));
    fs.writeFileSync(path.join(folder, 'LICENSE'), '');
    const made = await home.axon('install', `./${name}`, '--as', `my/${name}@1`);
    assert.equal(made.status, 0, made.stderr);
  }
  await home.axon('keygen', '-o', 'mine');
  assert.equal((await home.axon('sign', 'my/b@1', '--key', 'mine.pem')).status, 0);
}

const tree = (dir: string) =>
  (fs.readdirSync(dir, { recursive: true }) as string[])
    .filter((name) => fs.statSync(path.join(dir, name)).isFile() && !name.includes('.axon'))
    .sort()
    .map((name) => [name, fs.readFileSync(path.join(dir, name))] as const);

test('a bundle holds what models share once and comes back as it was, as tar and as folder', async (t) => {
  const home = makeHome(t);
  await makeModels(home);
  for (const [name, ...flags] of [['one.tar'], ['two.tar'], ['layout', '--oci']] as const) {
    const ids = name === 'two.tar' ? ['my/b@1', 'my/a@1'] : ['my/a@1', 'my/b@1'];
    const done = await home.axon('export', ...ids, '-o', name, ...flags);
    assert.equal(done.status, 0, done.stderr);
  }
  const file = (name: string) => path.join(home.dir, name);
  assert.ok(fs.readFileSync(file('one.tar')).equals(fs.readFileSync(file('two.tar'))));
  assert.ok(fs.statSync(file('one.tar')).size < 2 * 70_000);
  assert.equal((await home.axon('export', 'my/a@1', '-o', 'one.tar')).status, 16);
  const blobs = path.join(home.dir, 'layout/blobs/sha256');
  for (const name of fs.readdirSync(blobs))
    assert.equal(
      createHash('sha256')
        .update(fs.readFileSync(path.join(blobs, name)))
        .digest('hex'),
      name,
    );
  for (const name of ['one.tar', 'layout']) {
    const there = makeHome(t);
    const done = await there.axon('import', file(name), '--json');
    assert.equal(done.status, 0, done.stderr);
    assert.deepEqual(tree(path.join(there.models, 'my')), tree(path.join(home.models, 'my')));
    assert.equal((await there.axon('verify', 'my/b@1', '--key', file('mine.pub.pem'))).status, 0);
    const again = await there.axon('import', file(name));
    assert.match(again.stdout, /my\/a@1 is already installed/);
  }
});

test('a bundle that is damaged, cut or somebody elses installs nothing', async (t) => {
  const home = makeHome(t);
  await makeModels(home);
  await home.axon('export', 'my/a@1', '-o', 'one.tar');
  const bytes = fs.readFileSync(path.join(home.dir, 'one.tar'));
  const flipped = (text: string) => {
    const copy = Buffer.from(bytes);
    const at = copy.lastIndexOf(text);
    assert.ok(at > 0, text);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  for (const [what, data, status] of [
    ['weights', flipped('sharedshared'), 10],
    ['manifest', flipped('execution_format'), 10],
    ['cut', bytes.subarray(0, bytes.length - 40_000), 12],
    ['no tar', Buffer.from('hello'), 12],
  ] as const) {
    const there = makeHome(t);
    fs.writeFileSync(path.join(there.dir, 'x.tar'), data);
    const done = await there.axon('import', 'x.tar');
    assert.equal(done.status, status, `${what}: ${done.stderr}`);
    assert.deepEqual(there.installed(), [], what);
  }
  const there = makeHome(t);
  fs.mkdirSync(path.join(there.dir, 'layout'));
  fs.writeFileSync(path.join(there.dir, 'layout/oci-layout'), '{}');
  const index = { manifests: [{ digest: 'sha256:../../../etc/passwd' }] };
  fs.writeFileSync(path.join(there.dir, 'layout/index.json'), JSON.stringify(index));
  assert.equal((await there.axon('import', './layout')).status, 12);
  assert.equal((await there.axon('import', './none')).status, 5);
});

test('what a model needs comes with it, in a circle too; what fails is named', async (t) => {
  const home = makeHome(t);
  await makeModels(home);
  const needing = async (name: string, models: readonly string[]) => {
    fs.rmSync(path.join(home.dir, `${name}-folder`), { recursive: true, force: true });
    assert.equal((await home.axon('pack', `my/${name}@1`, '-o', `${name}.axon`)).status, 0);
    await home.axon('unpack', `${name}.axon`, '-C', `${name}-folder`);
    const file = path.join(home.dir, `${name}-folder/manifest.yaml`);
    const text = fs.readFileSync(file, 'utf8');
    const list = JSON.stringify(models);
    fs.writeFileSync(
      file,
      text.replace('\nspec:\n', `\nspec:\n  dependencies: {models: ${list}}\n`),
    );
    fs.rmSync(path.join(home.dir, `${name}.axon`));
    await home.axon('sign', `./${name}-folder`, '--key', 'mine.pem');
    const packed = await home.axon('pack', `./${name}-folder`, '-o', `${name}.axon`);
    assert.equal(packed.status, 0, packed.stderr);
  };
  await needing('a', ['my/b@1']);
  await needing('b', ['my/a@1']);
  const there = makeHome(t);
  const file = (name: string) => path.join(home.dir, name);
  const alone = await there.axon('install', file('a.axon'));
  assert.equal(alone.status, 23, alone.stderr);
  assert.match(alone.stderr, /my\/b@1: .*names no hub/);
  await there.axon('import', file('b.axon'));
  const both = await there.axon('install', file('a.axon'), '--json');
  assert.equal(both.status, 0, both.stderr);
  assert.deepEqual(both.json()['dependencies'], [{ id: 'my/b@1', status: 'already-installed' }]);
  // A bundle of one has the other with it.
  assert.equal((await there.axon('export', 'my/a@1', '-o', 'both.tar')).status, 0);
  const third = makeHome(t);
  assert.equal((await third.axon('import', path.join(there.dir, 'both.tar'))).status, 0);
  assert.equal((await third.axon('list', '--names')).stdout, 'my/a@1\nmy/b@1\n');
  await needing('a', ['/etc/passwd', 'https://example.com/x.onnx']);
  const hostile = await makeHome(t).axon('install', file('a.axon'));
  assert.equal(hostile.status, 23);
  assert.match(hostile.stderr, /is not a model id/);
});
