import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * One model of two that the file system keeps back: the other is there, and nothing that the first may use
 * is lost. By links that lead to themselves and folders in place of files, which not even root can read.
 */
const repo = { id: 'acme/net', files: { 'config.json': '{}', 'model.onnx': tinyOnnx() } };

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [repo] });
});
after(() => double.close());

async function must(home: Home, ...argv: string[]) {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

/** Two models of the same files, which are copies as on a file system without links. */
async function twoModels(t: TestContext): Promise<{ home: Home; lost: string }> {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/net');
  await must(home, 'install', 'hf/acme/net', '--as', 'my/net@1');
  const lost = path.join(home.models, 'my/net/1');
  for (const dir of [path.join(home.models, 'hf/acme/net/latest'), lost])
    for (const name of Object.keys(repo.files)) {
      const file = path.join(dir, name);
      const bytes = fs.readFileSync(file);
      fs.rmSync(file);
      fs.writeFileSync(file, bytes);
    }
  return { home, lost };
}

/** What was in its place comes back with the function that is returned. */
function keepBack(file: string, how: 'loop' | 'folder'): () => void {
  const bytes = fs.readFileSync(file);
  fs.rmSync(file);
  if (how === 'loop') fs.symlinkSync(path.basename(file), file);
  else fs.mkdirSync(file);
  return () => {
    fs.rmSync(file, { recursive: true });
    fs.writeFileSync(file, bytes);
  };
}

function blobsOf({ dir }: Home): string[] {
  const root = path.join(dir, 'cache/blobs/sha256');
  return fs.readdirSync(root).flatMap((folder) => fs.readdirSync(path.join(root, folder)));
}

test('list shows the others and names what it could not read, in all its forms', async (t) => {
  const { home, lost } = await twoModels(t);
  keepBack(path.join(lost, '.axon_metadata.json'), 'loop');
  for (const form of [['--names'], ['--format', 'names'], ['--json'], []]) {
    const { stdout, stderr } = await must(home, 'list', ...form);
    assert.match(stdout, /hf\/acme\/net/);
    assert.doesNotMatch(stdout, /my\/net/);
    assert.ok(stderr.includes(`${lost} cannot be read: `), stderr);
    assert.match(stderr, /ELOOP/);
  }
  assert.ok((await must(home, 'du')).stderr.includes(lost));
});

test('no model at all can be read: that is said, too', async (t) => {
  const home = makeHome(t, double);
  fs.mkdirSync(path.dirname(home.models), { recursive: true });
  fs.symlinkSync('models', home.models);
  const { stderr } = await must(home, 'list');
  assert.ok(stderr.includes(`${home.models} cannot be read: `), stderr);
});

test('fsck reports what it could not read', async (t) => {
  const { home, lost } = await twoModels(t);
  keepBack(path.join(lost, '.axon_metadata.json'), 'loop');
  const failed = await home.axon('fsck', '--json');
  assert.equal(failed.status, 18, failed.stderr);
  const { error } = failed.json<{ error: { details: { problems: string[] } } }>();
  const [problem = '', ...more] = error.details.problems;
  assert.ok(problem.startsWith(`${lost} cannot be read: `), problem);
  assert.deepEqual(more, []);
});

for (const [name, how] of [
  ['.axon_metadata.json', 'loop'],
  ['manifest.yaml', 'loop'],
  ['manifest.yaml', 'folder'],
] as const)
  test(`uninstall and gc keep what a model uses whose ${name} is a ${how}`, async (t) => {
    const { home, lost } = await twoModels(t);
    const blobs = blobsOf(home);
    assert.equal(blobs.length, 2);
    const giveBack = keepBack(path.join(lost, name), how);
    for (const argv of [['uninstall', 'hf/acme/net@latest'], ['gc'], ['gc', '--dry-run']]) {
      const { stdout, stderr } = await must(home, ...argv);
      assert.match(stderr, /are kept, since/);
      assert.ok(stderr.includes(`${lost} cannot be read`), stderr);
      assert.match(stdout, /^Removed hf|emoved? 0 unused files/);
      assert.deepEqual(blobsOf(home), blobs);
    }
    giveBack();
    await must(home, 'gc');
    assert.deepEqual(blobsOf(home), blobs);
    const { stderr } = await must(home, 'uninstall', 'my/net@1');
    assert.doesNotMatch(stderr, /are kept/);
    assert.deepEqual(blobsOf(home), []);
  });

test('cache stats counts what it can read, and names the folders that it cannot', async (t) => {
  const { home } = await twoModels(t);
  const cache = path.join(home.dir, 'cache');
  const [staging, blobs] = [path.join(cache, 'staging'), path.join(cache, 'blobs/sha256')];
  for (const dir of [staging, blobs]) {
    fs.rmSync(dir, { recursive: true, force: true });
    fs.symlinkSync(path.basename(dir), dir);
  }
  const { stderr, json } = await must(home, 'cache', 'stats', '--json');
  const facts = json<{ models: number; models_bytes: number; unfinished_bytes: number }>();
  const bytes = Object.values(repo.files).reduce((sum, data) => sum + data.length, 0);
  assert.deepEqual([facts.models, facts.models_bytes, facts.unfinished_bytes], [2, 2 * bytes, 0]);
  for (const dir of [staging, blobs]) assert.ok(stderr.includes(`${dir} cannot be read: `), stderr);
  fs.rmSync(staging);
  fs.mkdirSync(path.join(staging, 'a'), { recursive: true });
  fs.writeFileSync(path.join(staging, 'a', 'part'), 'four');
  fs.symlinkSync('b', path.join(staging, 'b'));
  const { json: again } = await must(home, 'cache', 'stats', '--json');
  assert.equal(again<{ unfinished_bytes: number }>().unfinished_bytes, 4 + 'b'.length);
});

function cutOff(file: string): () => void {
  const bytes = fs.readFileSync(file);
  fs.writeFileSync(file, bytes.subarray(0, -9));
  return () => fs.writeFileSync(file, bytes);
}

for (const [name, what, damage] of [
  ['.axon_metadata.json', 'a folder', (file: string) => keepBack(file, 'folder')],
  ['.axon_metadata.json', 'cut off', cutOff],
  ['manifest.yaml', 'cut off', cutOff],
  ['manifest.yaml', 'a link to itself', (file: string) => keepBack(file, 'loop')],
] as const)
  test(`an install beside a model of the same source whose ${name} is ${what}`, async (t) => {
    const { home } = await twoModels(t);
    const lost = path.join(home.models, 'hf/acme/net/latest');
    const giveBack = damage(path.join(lost, name));
    double.seen.length = 0;
    const { stderr } = await must(home, 'install', 'hf/acme/net', '--as', 'my/third@1');
    assert.equal(stderr.split(`${lost} cannot be read: `).length, 2, stderr);
    assert.deepEqual(
      double.seen.filter(({ path: asked }) => asked.includes('/resolve/')),
      [],
    );
    await must(home, 'verify', 'my/third@1');
    giveBack();
    await must(home, 'verify', 'hf/acme/net');
  });
