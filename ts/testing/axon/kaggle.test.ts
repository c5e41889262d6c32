import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseManifest } from '../../protocol/manifest.ts';
import type { Fault } from '../hub-double/faults.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { type KaggleModel, kaggleUser } from '../hub-double/kaggle.ts';
import { makeTar, type TarballEntry } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { tinySavedModel } from '../hub-double/tiny-tensorflow.ts';
import { makeZip } from '../hub-double/zip.ts';
import { makeHome } from './run-axon.ts';

const savedModel = {
  'saved_model.pb': tinySavedModel(),
  'variables/variables.index': Buffer.alloc(300, 12),
  'variables/variables.data-00000-of-00001': Buffer.alloc(90_000, 13),
};
const many = {
  ...savedModel,
  ...Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`assets/${i}.txt`, `${i}`])),
};
const net = 'acme/net/tensorFlow2/base';

const hostile: Record<string, TarballEntry[]> = {
  outside: [{ name: './../../evil', data: Buffer.from('x') }],
  absolute: [{ name: '/etc/evil', data: Buffer.from('x') }],
  link: [{ name: 'variables/x', type: 'symlink', linkname: '/etc/passwd' }],
  twice: [{ name: './saved_model.pb', data: Buffer.from([8, 1]) }],
  reserved: [{ name: 'manifest.yaml', data: Buffer.from('x') }],
};

let double: HubDouble;
before(async () => {
  const whole = Object.entries(many).map(([name, data]) => ({ name, data: Buffer.from(data) }));
  const models: KaggleModel[] = [
    { path: net, versions: [savedModel, savedModel] },
    { path: 'acme/many/tensorFlow2/base', versions: [many] },
    { path: 'acme/gated/onnx/base', versions: [{ 'model.onnx': tinyOnnx() }], gated: true },
    {
      path: 'acme/crc/onnx/base',
      versions: [{ 'model.onnx': tinyOnnx() }],
      hashes: ['crc32c'],
      license: 'Gemma',
    },
    { path: 'acme/bare/onnx/base', versions: [{ 'model.onnx': tinyOnnx() }], hashes: [] },
    { path: 'acme/two/onnx/small', versions: [{ 'model.onnx': tinyOnnx() }] },
    { path: 'acme/two/tfLite/small', versions: [{ 'model.onnx': tinyOnnx() }] },
    {
      path: 'acme/zip/tensorFlow2/base',
      versions: [many],
      archive: Buffer.from('PK\u0003\u0004zip'),
    },
    {
      path: 'acme/zipped/tensorFlow2/base',
      versions: [many],
      archive: makeZip(whole),
    },
    { path: 'acme/page/tensorFlow2/base', versions: [many], archive: Buffer.from('<html>log in') },
    {
      path: 'acme/lacks/tensorFlow2/base',
      versions: [many],
      archive: gzipSync(await makeTar(whole.slice(1))),
    },
  ];
  for (const [name, entries] of Object.entries(hostile)) {
    const archive = gzipSync(await makeTar([...whole, ...entries]));
    models.push({ path: `acme/${name}/tensorFlow2/base`, versions: [many], archive });
  }
  double = await startHubDouble({
    models,
    handles: {
      'acme/nets/base/5': `${net.replace('tensorFlow2', 'TensorFlow2')}/1`,
      'acme/nets/base': `${net}/2`,
    },
  });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

function manifestOf(models: string, id: string) {
  return parseManifest(fs.readFileSync(path.join(models, id, 'manifest.yaml'), 'utf8'));
}

function assertWhole(dir: string, files: Readonly<Record<string, Buffer | string>>): void {
  for (const [name, data] of Object.entries(files))
    assert.ok(fs.readFileSync(path.join(dir, name)).equals(Buffer.from(data)), name);
}

test('a variation is pinned to its version, each file checked against what the store states', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'kaggle/acme/net/tensorflow2/base', '--json');
  assert.equal(done.status, 0, done.stderr);
  const dir = path.join(home.models, 'kaggle/acme/net/tensorflow2/base/latest');
  assertWhole(dir, savedModel);
  const manifest = manifestOf(home.models, 'kaggle/acme/net/tensorflow2/base/latest');
  assert.equal(manifest.distribution?.source?.revision, `${net}/2`);
  assert.equal(manifest.metadata.license, 'Apache-2.0');
  assert.deepEqual(
    [...new Set(manifest.spec.format.files.map((file) => file.verified_by))],
    ['md5'],
  );
  const again = await home.axonWith(
    { KAGGLE_API_ENDPOINT: 'http://127.0.0.1:1' },
    'install',
    'kaggle/acme/net/tensorflow2/base',
    '--json',
  );
  assert.equal(again.json()['status'], 'already-installed');
});

test('many files come as one archive, whose names and sizes are those of the list', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'kaggle/acme/many/tensorFlow2/base/1');
  assert.equal(done.status, 0, done.stderr);
  assertWhole(path.join(home.models, 'kaggle/acme/many/tensorFlow2/base/1/latest'), many);
  const fetched = double.seen.filter(
    ({ on, headers }) => on === 'cdn' && headers.range !== 'bytes=0-0',
  );
  assert.equal(fetched.length, 1, 'one archive');
});

test('the archive may be a zip', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'kaggle/acme/zipped/tensorFlow2/base/1');
  assert.equal(done.status, 0, done.stderr);
  assertWhole(path.join(home.models, 'kaggle/acme/zipped/tensorFlow2/base/1/latest'), many);
});

test('a handle of TensorFlow Hub leads to Kaggle, where it has another number; both are kept', async (t) => {
  const home = makeHome(t, double);
  const done = await home.axon('install', 'tfhub/acme/nets/base/5@latest', '--json');
  assert.equal(done.status, 0, done.stderr);
  const manifest = manifestOf(home.models, 'tfhub/acme/nets/base/5/latest');
  assert.deepEqual(manifest.distribution?.source, {
    hub: 'tfhub',
    id: 'acme/nets/base/5',
    revision: `${net}/1`,
    url: `${double.kaggle}/models/${net}/1`,
  });
  assert.equal(manifest.spec.format.type, 'saved_model');
  const shown = async (spec: string) => {
    const ended = await home.axon('install', spec, '--dry-run', '--json');
    return ended.status === 0
      ? ended.json<{ source: { revision: string } }>().source.revision
      : ended.status;
  };
  assert.equal(await shown('tf/acme/nets/base@5'), `${net}/1`, 'the version behind the @');
  assert.equal(await shown('tfhub/acme/nets/base'), `${net}/2`, 'the newest');
  assert.equal(await shown('tfhub/acme/nets/base/5@4'), 2, 'two versions contradict each other');
  assert.equal(await shown('tfhub/acme/nets/gone/1'), 5, 'not moved to Kaggle');
  assert.equal(await shown('tfhub/acme/../x/1'), 2);
  double.lie({ on: 'tfhub', kind: 'redirect', to: 'https://example.com/models/a/b/onnx/c/1' });
  assert.equal(await shown('tfhub/acme/nets/base@5'), 5, 'only the path is taken from a redirect');
  double.tellTheTruth();
  double.lie({ on: 'tfhub', kind: 'html' });
  assert.equal(await shown('tfhub/acme/nets/base@5'), 9);
  double.tellTheTruth();
  double.lie({ on: 'tfhub', kind: 'loop' });
  assert.equal(await shown('tfhub/acme/nets/base@5'), 9);
});

test('who may not see a model is told what to do; the key is sent to Kaggle only', async (t) => {
  const home = makeHome(t, double);
  const refused = await home.axon('install', 'kaggle/acme/gated/onnx/base');
  assert.equal(refused.status, 6);
  assert.match(
    refused.stderr,
    new RegExp(`accepted at ${double.kaggle}/models/acme/gated: set KAGGLE_USERNAME`),
  );
  fs.mkdirSync(path.join(home.dir, '.kaggle'));
  fs.writeFileSync(path.join(home.dir, '.kaggle/kaggle.json'), JSON.stringify(kaggleUser));
  double.seen.length = 0;
  const done = await home.axon('install', 'kaggle/acme/gated/onnx/base');
  assert.equal(done.status, 0, done.stderr);
  for (const { on, headers } of double.seen)
    assert.equal(headers.authorization?.slice(0, 6), on === 'kaggle' ? 'Basic ' : undefined, on);
  const wrong = await home.axonWith(
    { KAGGLE_USERNAME: 'x', KAGGLE_KEY: 'y' },
    'install',
    'kaggle/acme/gated/onnx/base',
    '--force',
  );
  assert.equal(wrong.status, 6);
  assert.match(wrong.stderr, /its key is wrong/);
  fs.writeFileSync(path.join(home.dir, '.kaggle/kaggle.json'), '{"username":1}');
  assert.equal((await home.axon('install', 'kaggle/acme/net')).status, 3);
});

test('weaker hashes are said to be so, and the only variation need not be named', async (t) => {
  const home = makeHome(t, double);
  for (const [name, verified] of [
    ['crc', 'crc32c'],
    ['bare', 'tofu'],
  ] as const) {
    const done = await home.axon('install', `kaggle/acme/${name}`);
    assert.equal(done.status, 0, done.stderr);
    const { spec, metadata } = manifestOf(home.models, `kaggle/acme/${name}/latest`);
    assert.equal(spec.format.files[0]?.verified_by, verified);
    assert.equal(metadata.license, name === 'crc' ? 'Gemma' : 'Apache-2.0');
  }
  const two = await home.axon('install', 'kaggle/acme/two');
  assert.equal(two.status, 13);
  assert.match(two.stderr, /kaggle\/acme\/two\/tfLite\/small/);
});

const refusals: Record<string, { spec: string; status: number; says?: RegExp }> = {
  'an unknown framework': {
    spec: 'acme/net/tensorflow/base',
    status: 2,
    says: /Did you mean "tensorFlow/,
  },
  'two versions': { spec: 'acme/net/tensorFlow2/base/1@2', status: 2 },
  'a version that is no number': { spec: 'acme/net/tensorFlow2/base@main', status: 2 },
  'a version that is not there': {
    spec: 'acme/net/tensorFlow2/base/9',
    status: 5,
    says: /newest is 2/,
  },
  'an unknown model': { spec: 'acme/none/onnx/base', status: 5 },
  'a damaged zip': { spec: 'acme/zip/tensorFlow2/base', status: 12, says: /not a whole zip/ },
  'a login page without a type': { spec: 'acme/page/tensorFlow2/base', status: 9 },
  'an archive without a file of the list': {
    spec: 'acme/lacks/tensorFlow2/base',
    status: 12,
    says: /lacks/,
  },
  'a name outside': { spec: 'acme/outside/tensorFlow2/base', status: 11 },
  'an absolute name': { spec: 'acme/absolute/tensorFlow2/base', status: 11 },
  'a link': { spec: 'acme/link/tensorFlow2/base', status: 11 },
  'a name twice': { spec: 'acme/twice/tensorFlow2/base', status: 11 },
  'a name of ours': { spec: 'acme/reserved/tensorFlow2/base', status: 11 },
};

for (const [name, { spec, status, says }] of Object.entries(refusals)) {
  test(`kaggle, ${name}: exit code ${status} and nothing installed`, async (t) => {
    const home = makeHome(t, double);
    const ended = await home.axon('install', `kaggle/${spec}`);
    assert.equal(ended.status, status, ended.stderr);
    if (says !== undefined) assert.match(ended.stderr, says);
    assert.deepEqual(home.installed(), []);
  });
}

const rows: Record<string, { fault: Fault; status: number; says?: RegExp }> = {
  'one flipped byte': { fault: { on: 'cdn', kind: 'flip', times: 4 }, status: 0 },
  'flipped bytes, always': { fault: { on: 'cdn', kind: 'flip' }, status: 10, says: /md5/ },
  'a cut connection': { fault: { on: 'cdn', kind: 'cut', times: 4 }, status: 0 },
  'a web page': { fault: { on: 'cdn', kind: 'html' }, status: 9, says: /web page/ },
  'an answer of the portal to the API': { fault: { on: 'kaggle', kind: 'html' }, status: 9 },
  'a way to the login page': {
    fault: { on: 'kaggle', match: 'download', kind: 'redirect', to: '/account/login?x' },
    status: 6,
    says: /a login page/,
  },
  'another size than listed': {
    fault: { on: 'cdn', kind: 'header', headers: { 'content-range': 'bytes 0-0/46' } },
    status: 9,
    says: /46 bytes/,
  },
  'an expired link, once': {
    fault: { on: 'cdn', kind: 'status', status: 403, times: 1 },
    status: 0,
  },
  'SignatureDoesNotMatch for ever': {
    fault: { on: 'cdn', kind: 'status', status: 403 },
    status: 7,
  },
  '429 for a day': {
    fault: { on: 'kaggle', kind: 'status', status: 429, headers: { 'retry-after': '86400' } },
    status: 8,
  },
  '503 once': { fault: { on: 'kaggle', kind: 'status', status: 503, times: 1 }, status: 0 },
};

for (const [name, { fault, status, says }] of Object.entries(rows)) {
  test(`kaggle, ${name}: ${status === 0 ? 'verified bytes' : `exit code ${status}`}`, async (t) => {
    const home = makeHome(t, double);
    double.lie(fault);
    const ended = await home.axon('install', `kaggle/${net}`);
    assert.equal(ended.status, status, ended.stderr);
    if (says !== undefined) assert.match(ended.stderr, says);
    if (status === 0) assertWhole(path.join(home.models, `kaggle/${net}/latest`), savedModel);
    else assert.deepEqual(home.installed(), []);
  });
}
