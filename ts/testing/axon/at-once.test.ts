import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Two processes that install the same content under two names at once: one of them brings it, the other
 * waits and finds it in the store.
 */
const weights = Buffer.alloc(3_000_000, 7);
const repo = {
  id: 'acme/bert',
  files: {
    'README.md': '# bert',
    'config.json': '{"hidden":3}',
    'model.onnx': tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx_data' }] }),
    'model.onnx_data': weights,
  },
};

const served: Record<string, Buffer> = {};
let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [repo], files: served });
});
beforeEach(() => {
  double.tellTheTruth();
  // Slower than a process starts: the second asks while the first is still fetching.
  double.lie({ on: 'cdn', kind: 'slow' });
  double.seen.length = 0;
});
after(() => double.close());

/** Addresses of files of which more than a first byte was asked for, each as often as it was. */
const fetched = () =>
  double.seen.flatMap(({ on, path: at, headers }) =>
    (on === 'cdn' || /\/resolve\//.test(at)) && headers.range !== 'bytes=0-0' ? [at] : [],
  );

/** Runs both in processes of their own; one of the two has to have waited. */
async function atOnce(home: Home, ...lines: readonly (readonly string[])[]): Promise<void> {
  const all = await Promise.all(lines.map((argv) => home.spawned(...argv)));
  for (const { status, stderr } of all) assert.equal(status, 0, stderr);
  const waited = all.filter(({ stderr }) => /Another axon brings .*; waiting for it/.test(stderr));
  assert.equal(waited.length, 1, all.map(({ stderr }) => stderr).join('\n'));
}

test('two names of one revision are fetched once', async (t) => {
  const home = makeHome(t, double);
  await atOnce(
    home,
    ['install', 'hf/acme/bert', '--as', 'my/one@1'],
    ['install', 'hf/acme/bert', '--as', 'my/two@1'],
  );
  assert.deepEqual(fetched(), [...new Set(fetched())]);
  const [one, two] = ['one', 'two'].map((name) =>
    fs.statSync(path.join(home.models, `my/${name}/1/model.onnx_data`)),
  );
  assert.equal(one?.ino, two?.ino);
  for (const id of ['my/one@1', 'my/two@1'])
    assert.equal((await home.axon('verify', id)).status, 0);
});

test('a tag and the commit that it names are one revision; another choice shares the files', async (t) => {
  const home = makeHome(t, double);
  await atOnce(
    home,
    ['install', 'hf/acme/bert@main', '--include', '*.onnx*'],
    ['install', 'hf/acme/bert', '--include', '*.onnx*', '--include', 'config.json'],
  );
  assert.deepEqual(fetched(), [...new Set(fetched())]);
});

test('a package under its own name, beside one that waits for its source under that very name', async (t) => {
  const [maker, home] = [makeHome(t), makeHome(t, double)];
  const folder = path.join(maker.dir, 'net');
  fs.mkdirSync(folder);
  for (const name of ['model.onnx', 'model.onnx_data'] as const)
    fs.writeFileSync(path.join(folder, name), repo.files[name]);
  for (const line of ['install ./net --as my/net@1', 'pack my/net@1 -o net.axon'])
    assert.equal((await maker.axon(...line.split(' '))).status, 0, line);
  const packed = fs.readFileSync(path.join(maker.dir, 'net.axon'));
  served['net.axon'] = packed;
  const address = `${double.cdn}/net.axon#sha256=${sha256(packed)}`;
  await atOnce(home, ['install', address], ['install', address, '--as', 'my/net@1']);
  assert.deepEqual(fetched(), ['/net.axon']);
  assert.equal((await home.axon('list', '--names')).stdout, 'my/net@1\n');
  assert.equal((await home.axon('fsck')).status, 0);
  for (const left of ['staging', 'locks'])
    assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache', left)), []);
});
