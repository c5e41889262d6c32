import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseManifest } from '../../protocol/manifest.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { makeTar } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeZip } from '../hub-double/zip.ts';
import { type Home, makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
let double: HubDouble;
before(async () => {
  const archive = gzipSync(await makeTar([{ name: './net/model.onnx', data: onnx }]));
  const many = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [`note-${index}.txt`, Buffer.from('x')]),
  );
  double = await startHubDouble({
    releases: [
      { repo: 'acme/net', tag: 'v1', assets: { 'net.onnx': onnx }, digest: null },
      {
        repo: 'acme/net',
        tag: 'models/v2',
        assets: {
          ...many,
          'net.onnx': onnx,
          'net.tar.gz': archive,
          'net.zip': makeZip([{ name: 'model.onnx', data: onnx }]),
          'evil.zip': makeZip([{ name: '../model.onnx', data: onnx }]),
          'broken.onnx.part': onnx,
        },
      },
      {
        repo: 'acme/wrong',
        tag: 'v1',
        assets: { 'net.onnx': onnx },
        digest: `sha256:${'0'.repeat(64)}`,
      },
      { repo: 'acme/moved', tag: 'v1', assets: { 'net.onnx': onnx }, answers: 'v9' },
      { repo: 'acme/names', tag: 'v1', assets: { '../net.onnx': onnx } },
      { repo: 'acme/private', tag: 'v1', assets: { 'net.onnx': onnx }, token: 'gh_good' },
    ],
  });
});
beforeEach(() => double.tellTheTruth());
after(() => double.close());

function manifestOf(home: Home, where: string) {
  const text = fs.readFileSync(path.join(home.models, where, 'manifest.yaml'), 'utf8');
  return parseManifest(text);
}

test('the newest release, one of many assets, an archive, and an old release without digests', async (t) => {
  const home = makeHome(t, double);
  for (const [spec, where, files] of [
    ['gh/acme/net', 'gh/acme/net/latest', [['net.onnx', 'sha256']]],
    ['gh/acme/net@models/v2#net.onnx', 'gh/acme/net/net/models-v2', [['net.onnx', 'sha256']]],
    ['github/acme/net@v1', 'gh/acme/net/v1', [['net.onnx', 'tofu']]],
  ] as const) {
    const done = await home.axon('install', spec, '--json');
    assert.equal(done.status, 0, done.stdout + done.stderr);
    const { spec: of, metadata, distribution } = manifestOf(home, where);
    assert.deepEqual(
      of.format.files
        .filter(({ path: name }) => !name.startsWith('note'))
        .map((f) => [f.path, f.verified_by]),
      files,
    );
    assert.equal(metadata.license, 'MIT');
    assert.equal(distribution?.source?.revision, spec.includes('v1') ? 'v1' : 'models/v2');
  }
  for (const asset of ['net.tar.gz', 'net.zip']) {
    const done = await home.axon('install', `gh/acme/net@latest#${asset}`, '--as', `my/${asset}`);
    assert.equal(done.status, 0, done.stderr);
    const [file] = manifestOf(home, `my/${asset}/latest`).spec.format.files;
    assert.equal(file?.verified_by, 'archive-sha256');
  }
});

test('what is missing or a lie ends by name, with nothing installed', async (t) => {
  const home = makeHome(t, double);
  for (const [spec, exit] of [
    ['gh/acme/wrong', 10],
    ['gh/acme/moved@v1', 9],
    ['gh/acme/names', 11],
    ['gh/acme/net#evil.zip', 11],
    ['gh/acme/net#absent.onnx', 5],
    ['gh/acme/net#broken.onnx.part', 5],
    ['gh/acme/net@v7', 5],
    ['gh/acme/none', 5],
    ['gh/acme', 2],
    ['gh/../acme/net', 2],
    ['gh/acme/net@../v1', 2],
  ] as const) {
    const ended = await home.axon('install', spec, '--json');
    assert.equal(ended.status, exit, `${spec}: ${ended.stdout}`);
    assert.deepEqual(home.installed(), []);
  }
  for (const { lie, exit } of [
    { lie: { on: 'github', match: 'releases', kind: 'html' }, exit: 9 },
    { lie: { on: 'github', match: 'download', kind: 'loop' }, exit: 9 },
    { lie: { on: 'cdn', kind: 'html' }, exit: 9 },
    { lie: { on: 'cdn', kind: 'flip' }, exit: 10 },
    { lie: { on: 'cdn', kind: 'short' }, exit: 7 },
  ] as const) {
    double.tellTheTruth();
    double.lie(lie);
    const ended = await home.axon('install', 'gh/acme/net#net.onnx', '--json');
    assert.equal(ended.status, exit, `${JSON.stringify(lie)}: ${ended.stdout}`);
    assert.deepEqual(home.installed(), []);
  }
});

test('the token opens private repositories and is seen by the API only', async (t) => {
  const home = makeHome(t, double);
  assert.equal((await home.axon('install', 'gh/acme/private@v1')).status, 5);
  const start = double.seen.length;
  const env = { GITHUB_TOKEN: 'gh_good' };
  const done = await home.axonWith(env, 'install', 'gh/acme/private@v1');
  assert.equal(done.status, 0, done.stderr);
  const known = double.seen.slice(start).filter(({ headers }) => headers.authorization);
  assert.ok(known.length > 0 && known.every(({ on }) => on === 'github'));
});

test('when no more questions are answered, it says until when', async (t) => {
  const home = makeHome(t, double);
  const reset = String(Math.floor(Date.now() / 1000) + 125);
  double.lie({
    on: 'github',
    kind: 'status',
    status: 403,
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset },
  });
  const ended = await home.axon('install', 'gh/acme/net', '--json');
  assert.equal(ended.status, 8, ended.stdout);
  assert.match(ended.stdout, /GITHUB_TOKEN, or try again in 3 minutes/);
});
