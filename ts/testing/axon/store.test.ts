import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { acquireLock } from '../../axon/store/lock.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { makeTar } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

const weights = Buffer.alloc(300_000, 7);
const files = {
  'README.md': '# bert',
  'config.json': '{"hidden":3}',
  'model.onnx': tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx_data' }] }),
  'model.onnx_data': weights,
};
const first = { id: 'acme/bert', files };
const other = { id: 'acme/cousin', files: { ...files, 'README.md': '# cousin' } };

let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    repos: [first, other],
    files: { 'net.onnx': files['model.onnx'], 'single.onnx': tinyOnnx() },
    packages: [
      {
        name: 'net',
        version: '1.0.0',
        tarball: gzipSync(
          await makeTar([
            { name: 'package/package.json', data: Buffer.from('{}') },
            { name: 'package/model.onnx', data: tinyOnnx() },
          ]),
        ),
      },
    ],
  });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

const fileRequests = () =>
  double.seen.filter(({ on, path: at }) => on === 'cdn' || /\/resolve|\.tgz/.test(at));
const blobsOf = ({ dir }: Home): string[] => {
  const root = path.join(dir, 'cache/blobs/sha256');
  return fs.existsSync(root)
    ? fs
        .readdirSync(root)
        .flatMap((folder) => fs.readdirSync(path.join(root, folder)))
        .sort()
    : [];
};
const blobFile = ({ dir }: Home, hex: string) =>
  path.join(dir, 'cache/blobs/sha256', hex.slice(0, 2), hex);
const inodeOf = (file: string) => fs.statSync(file).ino;

async function must(home: Home, ...argv: string[]): Promise<void> {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
}

test('another name for what is installed costs no file, and no second copy', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  double.seen.length = 0;
  await must(home, 'install', 'hf/acme/bert', '--as', 'my/bert@1');
  assert.deepEqual(fileRequests(), []);
  const [a, b] = ['hf/acme/bert/latest', 'my/bert/1'].map((dir) =>
    path.join(home.models, dir, 'model.onnx_data'),
  );
  assert.equal(inodeOf(a ?? ''), inodeOf(b ?? ''));
  assert.equal(inodeOf(a ?? ''), inodeOf(blobFile(home, sha256(weights))));
  assert.equal(fs.statSync(a ?? '').mode & 0o222, 0, 'nobody writes into a shared file');
  for (const id of ['hf/acme/bert', 'my/bert@1']) await must(home, 'verify', id);
});

test('of another repository only what differs is fetched, recognised by git hash too', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  double.seen.length = 0;
  await must(home, 'install', 'hf/acme/cousin');
  const asked = new Set(fileRequests().map(({ path: at }) => at.slice(at.lastIndexOf('/') + 1)));
  assert.deepEqual([...asked], ['README.md']);
  await must(home, 'verify', 'hf/acme/cousin');
});

test('an archive that was fetched is not fetched for another name', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'npm/net@1.0.0');
  double.seen.length = 0;
  await must(home, 'install', 'npm/net@1.0.0', '--as', 'my/net@1');
  assert.deepEqual(fileRequests(), []);
  await must(home, 'verify', 'my/net@1');
});

test('a damaged blob is never served on: it is told, fetched, and right again', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  const blob = blobFile(home, sha256(weights));
  fs.chmodSync(blob, 0o644);
  fs.writeFileSync(blob, Buffer.alloc(weights.length, 8));
  double.seen.length = 0;
  const again = await home.axon('install', 'hf/acme/cousin');
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stderr, /damaged.*axon verify/);
  assert.equal(double.seen.filter(({ on }) => on === 'cdn').length > 0, true);
  await must(home, 'verify', 'hf/acme/cousin');
  assert.equal(sha256(fs.readFileSync(blob)), sha256(weights));
});

test('--force fetches anew; uninstall leaves nothing that nobody uses', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  const before = blobsOf(home);
  assert.equal(before.length, 4);
  double.seen.length = 0;
  await must(home, 'install', 'hf/acme/bert', '--force');
  assert.ok(fileRequests().length > 0);
  assert.deepEqual(blobsOf(home), before);
  await must(home, 'install', 'hf/acme/cousin');
  await must(home, 'uninstall', 'hf/acme/bert');
  assert.equal(blobsOf(home).length, 4, 'README of the first is gone, the second has its own');
  await must(home, 'verify', 'hf/acme/cousin');
  await must(home, 'uninstall', 'hf/acme/cousin');
  assert.deepEqual(blobsOf(home), []);
});

test('a cache of before the blobs is taken over as it is', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  fs.rmSync(path.join(home.dir, 'cache/blobs'), { recursive: true });
  fs.rmSync(path.join(home.dir, 'cache/store.json'));
  double.seen.length = 0;
  await must(home, 'install', 'hf/acme/bert', '--as', 'my/bert@1');
  assert.deepEqual(fileRequests(), []);
  assert.equal(blobsOf(home).length, 4);
  fs.writeFileSync(path.join(home.dir, 'cache/store.json'), '{"layout":3}');
  const newer = await home.axon('install', 'hf/acme/cousin');
  assert.match(newer.stderr, /newer axon/);
});

test('two installs of one model at once do the work once; two models share', async (t) => {
  const home = makeHome(t, double);
  const both = await Promise.all([
    home.axon('install', 'hf/acme/bert'),
    home.axon('install', 'hf/acme/bert'),
    home.axon('install', 'hf/acme/cousin'),
  ]);
  for (const { status, stderr } of both) assert.equal(status, 0, stderr);
  const ofFirst = fileRequests().filter(({ path: at }) => at.startsWith('/acme/bert/resolve'));
  assert.equal(new Set(ofFirst.map(({ path: at }) => at)).size, ofFirst.length);
  const [a, b] = ['bert', 'cousin'].map((name) =>
    path.join(home.models, `hf/acme/${name}/latest/model.onnx_data`),
  );
  assert.equal(inodeOf(a ?? ''), inodeOf(b ?? ''));
  for (const id of ['hf/acme/bert', 'hf/acme/cousin']) await must(home, 'verify', id);
});

test('gc removes what nobody uses, and old downloads nobody works on; du says who has what', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  await must(home, 'install', 'hf/acme/cousin');
  const cache = path.join(home.dir, 'cache');
  const stray = blobFile(home, sha256(Buffer.from('stray')));
  fs.mkdirSync(path.dirname(stray), { recursive: true });
  fs.writeFileSync(stray, 'stray');
  const day = new Date(Date.now() - 25 * 3_600_000);
  for (const [name, time] of [
    ['old', day],
    ['held', day],
    ['new', new Date()],
  ] as const) {
    fs.mkdirSync(path.join(cache, 'staging', name, 'download'), { recursive: true });
    fs.writeFileSync(path.join(cache, 'staging', name, 'download/part'), 'x');
    for (const at of ['download/part', 'download', ''])
      fs.utimesSync(path.join(cache, 'staging', name, at), time, time);
  }
  const lock = await acquireLock(path.join(cache, 'locks/held'), {
    waitMs: 0,
    onWait: () => undefined,
    signal: new AbortController().signal,
  });
  const du = await home.axon('du', '--json');
  const { models, bytes } = du.json<{ models: Record<string, unknown>[]; bytes: number }>();
  const shared = Buffer.concat([files['model.onnx'], weights]).length + files['config.json'].length;
  assert.deepEqual(
    models.map((model) => [model['id'], model['own_bytes'], model['shared_bytes']]),
    [
      ['hf/acme/bert@latest', '# bert'.length, shared],
      ['hf/acme/cousin@latest', '# cousin'.length, shared],
    ],
  );
  assert.equal(bytes, shared + '# bert# cousinstray'.length);

  const dry = await home.axon('gc', '--dry-run', '--json');
  assert.equal(dry.json()['blobs'], 1);
  assert.ok(fs.existsSync(stray));
  const gc = await home.axon('gc', '--json');
  lock.release();
  assert.deepEqual([gc.json()['blobs'], gc.json()['downloads']], [1, 1], gc.stderr);
  assert.ok(!fs.existsSync(stray));
  assert.deepEqual(fs.readdirSync(path.join(cache, 'staging')).sort(), ['held', 'new']);
  assert.equal(blobsOf(home).length, 5);
  for (const id of ['hf/acme/bert', 'hf/acme/cousin']) await must(home, 'verify', id);
});
