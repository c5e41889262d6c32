import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type HfRepo, headOf } from '../hub-double/hf.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Guards: what keeps an installed model right and recent. `outdated`, `update`, `pin`; `fsck` with its
 * repair, which brings what is damaged and nothing else; caches of earlier releases.
 */
const weights = Buffer.alloc(300_000, 7);
const files = {
  'README.md': '# bert',
  'config.json': '{"hidden":3}',
  'model.onnx': tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx_data' }] }),
  'model.onnx_data': weights,
};
const first: HfRepo = { id: 'acme/bert', files };
const second: HfRepo = {
  id: 'acme/bert',
  files: { ...files, 'README.md': '# better', 'tokenizer.json': '{}' },
};
const repos = [first];

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos, files: { 'net.onnx': tinyOnnx() } });
});
beforeEach(() => {
  repos[0] = first;
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

const dirOf = ({ models }: Home) => path.join(models, 'hf/acme/bert/latest');
const fetched = () =>
  double.seen
    .filter(({ path: at }) => /\/resolve\//.test(at))
    .map(({ path: at }) => at.slice(at.lastIndexOf('/') + 1))
    .sort();

async function must(home: Home, ...argv: string[]): Promise<string> {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
  return ended.stdout;
}

function damage(file: string, bytes = 'damaged'): void {
  fs.chmodSync(file, 0o644);
  fs.writeFileSync(file, bytes);
}

test('outdated says what has moved, update brings it and fetches only what differs', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  assert.match(await must(home, 'outdated'), /^Current hf\/acme\/bert@latest/);
  repos[0] = second;
  const moved = `hf/acme/bert@latest: ${headOf(first)} → ${headOf(second)}`;
  assert.ok((await must(home, 'outdated')).includes(`Outdated ${moved}`));
  double.seen.length = 0;
  assert.ok((await must(home, 'update', '--all', '--dry-run')).includes(`Would update ${moved}`));
  assert.deepEqual(fetched(), []);
  assert.ok((await must(home, 'update', 'hf/acme/bert')).includes(`Updated ${moved}`));
  assert.deepEqual(fetched(), ['README.md', 'tokenizer.json']);
  assert.equal(fs.readFileSync(path.join(dirOf(home), 'README.md'), 'utf8'), '# better');
  await must(home, 'verify', 'hf/acme/bert');
  assert.match(await must(home, 'update', 'hf/acme/bert'), /is what its source names/);
});

test('an update keeps the choice of files, and the old revision where it fails', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert', '--exclude', '*.md');
  repos[0] = second;
  double.lie({ on: 'hf', match: 'tokenizer', kind: 'status', status: 404, times: 50 });
  const failed = await home.axon('update', 'hf/acme/bert');
  assert.notEqual(failed.status, 0);
  await must(home, 'verify', 'hf/acme/bert');
  assert.ok((await must(home, 'outdated')).includes('Outdated'));
  double.tellTheTruth();
  await must(home, 'update', 'hf/acme/bert');
  assert.deepEqual(
    fs
      .readdirSync(dirOf(home))
      .filter((name) => !name.startsWith('.'))
      .sort(),
    ['config.json', 'manifest.yaml', 'model.onnx', 'model.onnx_data', 'tokenizer.json'],
  );
});

test('a pinned model is left alone until it is let go', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  await must(home, 'pin', 'hf/acme/bert');
  repos[0] = second;
  double.seen.length = 0;
  assert.match(await must(home, 'update', '--all'), /is pinned to/);
  assert.match(await must(home, 'outdated'), /^Pinned/);
  assert.deepEqual(double.seen, [], 'nobody was asked');
  await must(home, 'verify', 'hf/acme/bert');
  await must(home, 'unpin', 'hf/acme/bert');
  assert.match(await must(home, 'update', '--all'), /Updated/);
});

test('what has no source to ask is told among all, and an error when it is named', async (t) => {
  const home = makeHome(t, double);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), tinyOnnx());
  await must(home, 'install', './net.onnx', '--as', 'my/net@1');
  await must(home, 'install', `${double.cdn}/net.onnx`, '--as', 'my/other@1');
  const all = await must(home, 'outdated');
  assert.match(all, /Unknown my\/net@1: .*file of this machine/);
  assert.match(all, /Unknown my\/other@1: .*names no revision/);
  const named = await home.axon('update', 'my/net@1', '--json');
  assert.equal(named.status, 28);
  assert.equal(named.json<{ error: { code: string } }>().error.code, 'NO_SOURCE');
});

test('fsck names what is wrong; --repair fetches that and nothing else', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  await must(home, 'fsck');
  damage(path.join(dirOf(home), 'model.onnx_data'));
  fs.rmSync(path.join(dirOf(home), 'config.json'));
  const found = await home.axon('fsck');
  assert.equal(found.status, 18);
  assert.match(found.stderr, /missing config\.json, damaged model\.onnx_data/);
  assert.match(found.stderr, /A stored file is damaged/);
  double.seen.length = 0;
  assert.match(await must(home, 'fsck', '--repair'), /1 file fetched, 1 from here/);
  assert.deepEqual(fetched(), ['model.onnx_data']);
  await must(home, 'verify', 'hf/acme/bert');
  const { ino } = fs.statSync(path.join(dirOf(home), 'model.onnx_data'));
  await must(home, 'install', 'hf/acme/bert', '--as', 'my/bert@1');
  assert.equal(fs.statSync(path.join(home.models, 'my/bert/1/model.onnx_data')).ino, ino);
});

test('fsck repairs every package that holds a damaged file, fetching it once', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  await must(home, 'install', 'hf/acme/bert', '--as', 'my/bert@1');
  damage(path.join(dirOf(home), 'model.onnx_data'));
  double.seen.length = 0;
  await must(home, 'fsck', '--repair');
  assert.deepEqual(fetched(), ['model.onnx_data']);
  for (const id of ['hf/acme/bert', 'my/bert@1']) await must(home, 'verify', id);
});

test('fsck does not put another revision in the place of the damaged one', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  repos[0] = second;
  damage(path.join(dirOf(home), 'README.md'));
  const left = await home.axon('fsck', '--repair');
  assert.equal(left.status, 18);
  assert.match(left.stderr, /does not give [0-9a-f]{40} any more/);
  assert.equal(fs.readFileSync(path.join(dirOf(home), 'README.md'), 'utf8'), 'damaged');
});

test('fsck refuses wrong bytes from the source, and says what it cannot repair', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'hf/acme/bert');
  damage(path.join(dirOf(home), 'model.onnx_data'));
  double.lie({ on: 'cdn', match: '.', kind: 'flip', times: 20 });
  const flipped = await home.axon('fsck', '--repair');
  assert.equal(flipped.status, 18);
  assert.match(flipped.stderr, /model\.onnx_data/);
  double.tellTheTruth();
  fs.writeFileSync(path.join(dirOf(home), 'stranger'), 'x');
  const strange = await home.axon('fsck', '--repair');
  assert.equal(strange.status, 18);
  assert.match(strange.stderr, /extra stranger/);
  await must(home, 'install', 'hf/acme/bert', '--force');
  await must(home, 'fsck');
});

test('what came from an address is repaired as long as it is still the same', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', `${double.cdn}/net.onnx`, '--as', 'my/net@1');
  const file = path.join(home.models, 'my/net/1/net.onnx');
  damage(file);
  assert.match(await must(home, 'fsck', '--repair'), /1 file fetched/);
  assert.deepEqual(fs.readFileSync(file), tinyOnnx());
});

const formerManifest = {
  APIVersion: 'v1',
  Kind: 'Model',
  Metadata: { Name: 'acme/bert', Namespace: 'hf', Version: 'latest', License: 'Unknown' },
  Spec: { Format: { Files: [{ Path: 'pytorch_model.bin', Size: 0, SHA256: '' }] } },
};

/** A model as an earlier release left it: bogus file list, the package kept beside its own contents. */
function writeFormer(models: string): string {
  const dir = path.join(models, 'hf/acme/bert/latest');
  fs.mkdirSync(dir, { recursive: true });
  for (const [name, data] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), data);
  fs.writeFileSync(path.join(dir, 'manifest.yaml'), JSON.stringify(formerManifest));
  fs.writeFileSync(path.join(dir, 'hf-acme_bert-latest.axon'), 'old archive');
  const note = { installed_at: '2025-12-01T00:00:00Z', namespace: 'hf', name: 'acme/bert' };
  fs.writeFileSync(
    path.join(dir, '.axon_metadata.json'),
    JSON.stringify({ ...note, version: 'latest' }),
  );
  return dir;
}

test('a model of an earlier release is told, and taken over without the network', async (t) => {
  const home = makeHome(t, double);
  const dir = writeFormer(home.models);
  assert.match((await home.axon('list')).stderr, /axon cache import/);
  assert.match(await must(home, 'cache', 'import'), /Imported hf\/acme\/bert@latest: 4 files/);
  assert.deepEqual(double.seen, []);
  await must(home, 'verify', 'hf/acme/bert');
  await must(home, 'fsck');
  assert.equal(fs.existsSync(path.join(dir, 'hf-acme_bert-latest.axon')), false);
  assert.deepEqual(fs.readFileSync(path.join(dir, 'model.onnx_data')), weights);
  assert.match(await must(home, 'cache', 'import'), /No model of an earlier release/);
});

test('a cache elsewhere is imported and stays as it is', async (t) => {
  const home = makeHome(t, double);
  const cache = path.join(home.dir, 'old');
  const dir = writeFormer(path.join(cache, 'models'));
  await must(home, 'cache', 'import', cache);
  await must(home, 'verify', 'hf/acme/bert');
  assert.equal(fs.existsSync(path.join(dir, 'hf-acme_bert-latest.axon')), true);
  assert.equal((await home.axon('cache', 'import', home.dir)).status, 5);
});
