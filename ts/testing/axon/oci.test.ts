import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { exitCodes } from '../../axon/exit-codes.ts';
import { parseManifest } from '../../protocol/manifest.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import type { OciArtifact, OciLayer } from '../hub-double/oci.ts';
import { makeTar } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const weight = 'application/vnd.cncf.model.weight.v1';
const raw = (name: string, data: Buffer | string, type = `${weight}.raw`): OciLayer => ({
  mediaType: type,
  data: Buffer.from(data),
  annotations: { 'org.cncf.model.filepath': name },
});
const good = raw('model.onnx', onnx);
const config = {
  mediaType: 'application/vnd.cncf.model.config.v1+json',
  data: Buffer.from(
    JSON.stringify({
      descriptor: { description: 'A net.', licenses: ['MIT'] },
      config: { format: 'onnx' },
      modelfs: { type: 'layers', diffIds: [] },
    }),
  ),
};
const one = (repository: string, ...layers: OciLayer[]): OciArtifact => ({
  repository,
  tag: 'v1',
  layers,
});
const tarOf = async (...entries: Parameters<typeof makeTar>[0][number][]) => makeTar(entries);

/** What must end with this exit code, and nothing installed. */
const hostile: Readonly<Record<string, { exit: number; layers: OciLayer[] }>> = {
  'wrong-digest': {
    exit: 10,
    layers: [{ ...good, stated: { digest: `sha256:${'0'.repeat(64)}` } }],
  },
  'wrong-size': { exit: 10, layers: [{ ...good, stated: { size: onnx.length - 1 } }] },
  'weak-digest': { exit: 9, layers: [{ ...good, stated: { digest: `md5:${'0'.repeat(32)}` } }] },
  'no-size': { exit: 9, layers: [{ ...good, stated: { size: -1 } }] },
  traversal: { exit: 11, layers: [raw('../../evil.onnx', onnx)] },
  absolute: { exit: 11, layers: [raw('/etc/evil.onnx', onnx)] },
  drive: { exit: 11, layers: [raw('C:\\evil.onnx', onnx)] },
  twice: { exit: 11, layers: [good, raw('Model.onnx', onnx)] },
  reserved: { exit: 11, layers: [good, raw('manifest.yaml', 'x')] },
};

let double: HubDouble;
let host: string;
before(async () => {
  const packed = await tarOf(
    { name: './net/', type: 'directory' },
    { name: './net/model.onnx', data: onnx },
    { name: './net/README.md', data: Buffer.from('# net') },
  );
  const link = await tarOf({ name: 'model.onnx', type: 'symlink', linkname: '/etc/passwd' });
  const dots = await tarOf({ name: 'a/../../model.onnx', data: onnx });
  const kit = 'application/vnd.kitops.modelkit.model.v1.tar+gzip';
  double = await startHubDouble({
    artifacts: [
      { ...one('acme/net', good, raw('config.json', '{}')), config },
      { ...one('acme/private', good), login: 'me:secret' },
      { ...one('acme/basic', good), login: 'me:secret', basic: true },
      one('acme/kit', { mediaType: kit, data: gzipSync(packed) }),
      one('acme/titled', {
        mediaType: 'application/octet-stream',
        data: onnx,
        annotations: { 'org.opencontainers.image.title': 'a/model.onnx' },
      }),
      one('acme/docker', { mediaType: 'application/vnd.docker.ai.gguf.v3', data: onnx }),
      one('acme/link', raw('model.onnx', link, `${weight}.tar`)),
      one('acme/dots', raw('model.onnx', dots, `${weight}.tar`)),
      { ...one('acme/many', good), tag: 'amd' },
      { ...one('acme/many', raw('other.onnx', onnx)), tag: 'other' },
      {
        repository: 'acme/many',
        tag: 'v1',
        index: [
          { tag: 'other', more: { platform: { os: 'windows', architecture: 'amd64' } } },
          { tag: 'amd', more: { artifactType: 'application/vnd.cncf.model.manifest.v1+json' } },
        ],
      },
      { repository: 'acme/many', tag: 'unclear', index: [{ tag: 'other' }, { tag: 'amd' }] },
      ...Object.entries(hostile).map(([name, { layers }]) => one(`bad/${name}`, ...layers)),
    ],
  });
  host = new URL(double.oci).host;
});
beforeEach(() => {
  double.tellTheTruth();
  double.registry.realm = null;
});
after(() => double.close());

const filesOf = (home: Home, name: string, version = 'v1') => {
  const dir = path.join(home.models, 'oci', host.replace(':', '-'), name, version);
  const text = fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8');
  return parseManifest(text);
};

test('a ModelPack artifact comes with an anonymous token that nobody else sees', async (t) => {
  const home = makeHome(t, double);
  const start = double.seen.length;
  const done = await home.axon('install', `oci/${host}/acme/net@v1`, '--json');
  assert.equal(done.status, 0, done.stderr + done.stdout);
  const manifest = filesOf(home, 'acme/net');
  assert.equal(manifest.metadata.license, 'MIT');
  assert.equal(manifest.metadata.description, 'A net.');
  assert.match(manifest.distribution?.source?.revision ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(
    manifest.spec.format.files.map((file) => [file.path, file.verified_by]),
    [
      ['config.json', 'sha256'],
      ['model.onnx', 'sha256'],
    ],
  );
  const requests = double.seen.slice(start);
  const withToken = requests.filter(({ headers }) => headers.authorization !== undefined);
  assert.ok(withToken.length > 0);
  assert.ok(
    withToken.every(({ on, path: url }) => on === 'oci' && url.startsWith('/v2/acme/net/')),
  );
  assert.ok(requests.some(({ on }) => on === 'cdn'));
});

test('archives, titles, media types and the right manifest of an index say what the files are', async (t) => {
  const home = makeHome(t, double);
  const install = (name: string, ...more: string[]) =>
    home.axon('install', `oci/${host}/acme/${name}`, ...more);
  for (const [name, files] of [
    ['kit:v1', ['net/README.md', 'net/model.onnx']],
    ['titled:v1', ['a/model.onnx']],
    ['many:v1', ['model.onnx']],
  ] as const) {
    const done = await install(name);
    assert.equal(done.status, 0, done.stderr);
    const found = filesOf(home, `acme/${name.slice(0, -3)}`).spec.format.files;
    assert.deepEqual(
      found.map((file) => file.path),
      files,
    );
  }
  assert.equal(filesOf(home, 'acme/kit').spec.format.files[0]?.verified_by, 'archive-sha256');
  const dry = await install('docker@v1', '--dry-run', '--json');
  assert.deepEqual(dry.json<{ files: { path: string }[] }>().files[0]?.path, 'model.gguf');
  const unclear = await install('many@unclear', '--json');
  assert.equal(unclear.status, 13);
  assert.match(unclear.stdout, /@sha256:/);
  assert.equal((await install('link@v1')).status, 11);
  assert.equal((await install('dots@v1')).status, 11);
  assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/staging')), [], 'what was refused');
  assert.equal((await install('none@v1')).status, 5);
  assert.equal((await install('net@v2')).status, 5);
});

test("the password comes from Docker's configuration, and goes to the registry's token service only", async (t) => {
  const home = makeHome(t, double);
  const docker = path.join(home.dir, '.docker');
  fs.mkdirSync(docker);
  const login = (value: string, at = host) => {
    const auth = Buffer.from(value).toString('base64');
    fs.writeFileSync(
      path.join(docker, 'config.json'),
      JSON.stringify({ auths: { [at]: { auth } } }),
    );
  };
  const refused = await home.axon('install', `oci/${host}/acme/private@v1`, '--json');
  assert.equal(refused.status, 6);
  assert.match(refused.stdout, /docker login/);
  login('me:wrong');
  assert.equal((await home.axon('install', `oci/${host}/acme/private@v1`)).status, 6);
  login('me:secret', 'other.example');
  assert.equal((await home.axon('install', `oci/${host}/acme/private@v1`)).status, 6);
  login('me:secret');
  for (const name of ['private', 'basic']) {
    const done = await home.axon('install', `oci/${host}/acme/${name}@v1`);
    assert.equal(done.status, 0, done.stderr);
  }
  const start = double.seen.length;
  double.registry.realm = 'file:///etc/passwd';
  assert.equal((await home.axon('install', `oci/${host}/acme/private@v1`, '--force')).status, 9);
  double.lie({ on: 'oci', match: 'manifests', kind: 'redirect', to: `${double.cdn}/elsewhere` });
  await home.axon('install', `oci/${host}/acme/basic@v1`, '--force');
  const seen = double.seen.slice(start).filter(({ headers }) => headers.authorization);
  assert.ok(seen.every(({ on }) => on === 'oci'));
});

test('a helper program that the configuration names is asked', async (t) => {
  const home = makeHome(t, double);
  const docker = path.join(home.dir, '.docker');
  fs.mkdirSync(docker);
  const helper = path.join(docker, 'docker-credential-test');
  fs.writeFileSync(
    helper,
    `#!/bin/sh\nread key\n[ "$key" = '${host}' ] || exit 1\necho '{"Username":"me","Secret":"secret"}'\n`,
    { mode: 0o755 },
  );
  fs.writeFileSync(
    path.join(docker, 'config.json'),
    JSON.stringify({ credHelpers: { [host]: 'test' } }),
  );
  const env = { PATH: `${docker}:${process.env['PATH']}` };
  const done = await home.axonWith(env, 'install', `oci/${host}/acme/private@v1`);
  assert.equal(done.status, 0, done.stderr);
});

for (const [name, { exit }] of Object.entries(hostile))
  test(`${name} ends with exit code ${exit} and nothing installed`, async (t) => {
    const home = makeHome(t, double);
    const ended = await home.axon('install', `oci/${host}/bad/${name}@v1`, '--json');
    assert.equal(ended.status, exit, ended.stdout);
    assert.deepEqual(home.installed(), []);
    // Files that came whole beside a wrong one stay for the next run.
    if (exit !== exitCodes.CHECKSUM_MISMATCH.exit)
      assert.deepEqual(fs.readdirSync(path.join(home.dir, 'cache/staging')), []);
  });

test('a manifest that is not what its digest says, web pages, cuts and loops', async (t) => {
  const home = makeHome(t, double);
  const spec = `oci/${host}/acme/net@v1`;
  const cases = [
    { lie: { on: 'oci', match: 'manifests', kind: 'flip' }, exit: 10 },
    {
      lie: {
        on: 'oci',
        match: 'manifests',
        kind: 'header',
        headers: { 'docker-content-digest': `sha256:${'1'.repeat(64)}` },
      },
      exit: 10,
    },
    { lie: { on: 'oci', match: 'manifests', kind: 'html' }, exit: 9 },
    { lie: { on: 'oci', match: 'manifests', kind: 'loop' }, exit: 9 },
    { lie: { on: 'oci', match: 'token', kind: 'html' }, exit: 9 },
    { lie: { on: 'cdn', kind: 'html' }, exit: 9 },
    { lie: { on: 'cdn', kind: 'flip' }, exit: 10 },
    { lie: { on: 'cdn', kind: 'short' }, exit: 7 },
    { lie: { on: 'oci', match: 'blobs', kind: 'redirect', to: 'file:///etc/passwd' }, exit: 9 },
    { lie: { on: 'oci', match: 'manifests', kind: 'status', status: 503 }, exit: 7 },
  ] as const;
  for (const { lie, exit } of cases) {
    double.tellTheTruth();
    double.lie(lie);
    const ended = await home.axon('install', spec, '--json');
    assert.equal(ended.status, exit, `${JSON.stringify(lie)}: ${ended.stdout}`);
    assert.deepEqual(home.installed(), []);
  }
  double.tellTheTruth();
  double.lie({ on: 'cdn', kind: 'cut', times: 1 });
  double.lie({ on: 'oci', match: 'manifests', kind: 'status', status: 502, times: 1 });
  assert.equal((await home.axon('install', spec)).status, 0);
});

test('what is no reference is refused before anything is asked', async (t) => {
  const home = makeHome(t, double);
  const start = double.seen.length;
  for (const bad of [
    'acme/net',
    `${host}/Acme`,
    `${host}/a//b`,
    `${host}/../v2@x`,
    `${host}/a@b/c`,
  ])
    assert.equal((await home.axon('install', `oci/${bad}`)).status, 2, bad);
  assert.equal(double.seen.length, start);
});
