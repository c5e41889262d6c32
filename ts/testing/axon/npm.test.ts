import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseManifest } from '../../protocol/manifest.ts';
import { sri } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { makeTar, makeTgz } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const good = await makeTgz({
  'package.json': JSON.stringify({
    name: '@acme/net',
    version: '1.2.0',
    license: 'MIT',
    scripts: { postinstall: 'touch /tmp/never' },
  }),
  'assets/model.onnx': onnx,
  'assets/keys.txt': 'a\nb\n',
  'README.md': '# net',
});

const hostile = {
  outside: [{ name: 'package/../../evil.onnx', data: onnx }],
  absolute: [{ name: '/etc/evil.onnx', data: onnx }],
  link: [{ name: 'package/model.onnx', type: 'symlink' as const, linkname: '/etc/passwd' }],
  hardlink: [{ name: 'package/model.onnx', type: 'link' as const, linkname: '/etc/passwd' }],
  fifo: [{ name: 'package/model.onnx', type: 'fifo' as const }],
  twice: [
    { name: 'package/model.onnx', data: onnx },
    { name: 'package/model.onnx', data: onnx },
  ],
  twins: [
    { name: 'package/model.onnx', data: onnx },
    { name: 'package/Model.onnx', data: onnx },
  ],
  reserved: [
    { name: 'package/manifest.yaml', data: onnx },
    { name: 'package/model.onnx', data: onnx },
  ],
  bomb: [{ name: 'package/model.onnx', data: Buffer.alloc(300 * 1024 * 1024) }],
  crowd: Array.from({ length: 10_001 }, (_, i) => ({ name: `package/${i}.onnx` })),
};

let double: HubDouble;
before(async () => {
  const made = [];
  for (const [name, entries] of Object.entries(hostile)) {
    const tarball = gzipSync(await makeTar(entries), { level: name === 'bomb' ? 9 : 1 });
    made.push({ name, version: '1.0.0', tarball });
  }
  double = await startHubDouble({
    packages: [
      { name: '@acme/net', version: '1.1.0', tarball: good },
      { name: '@acme/net', version: '1.2.0', tarball: good },
      { name: 'wrong', version: '1.0.0', tarball: good, integrity: sri(Buffer.from('other')) },
      { name: 'weak', version: '1.0.0', tarball: good, integrity: null },
      { name: 'cut', version: '1.0.0', tarball: good.subarray(0, 200) },
      { name: '@mine/secret', version: '1.0.0', tarball: good, token: 'npm_good' },
      ...made,
    ],
  });
});
beforeEach(() => double.tellTheTruth());
after(() => double.close());

test('a scoped package is pinned, checked and installed without its scope sign', async (t) => {
  const home = makeHome(t, double);
  const done = await home.spawned('install', 'npm/@acme/net', '--include', 'assets/*', '--json');
  assert.equal(done.status, 0, done.stderr);
  assert.equal(done.json()['id'], 'npm/acme/net@latest');
  const dir = path.join(home.models, 'npm/acme/net/latest');
  const manifest = parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
  assert.deepEqual(manifest.distribution?.source, {
    hub: 'npm',
    id: '@acme/net',
    revision: '1.2.0',
  });
  assert.equal(manifest.metadata.license, 'MIT');
  assert.deepEqual(
    manifest.spec.format.files.map((file) => [file.path, file.verified_by]),
    [
      ['assets/keys.txt', 'npm-integrity'],
      ['assets/model.onnx', 'npm-integrity'],
    ],
  );
  assert.ok(!fs.existsSync('/tmp/never'), 'nothing of a package is run');

  const requests = double.seen.length;
  const again = await home.axonWith(
    { npm_config_registry: 'http://127.0.0.1:1' },
    'install',
    'npm/@acme/net',
    '--json',
  );
  assert.equal(again.json()['status'], 'already-installed');
  assert.equal(double.seen.length, requests, 'no request for what is here');
  const exact = await home.axon('install', 'npm/@acme/net@1.1.0', '--dry-run', '--json');
  assert.equal(exact.json()['status'], 'would-install');
  assert.equal((await home.axon('list', '--names')).stdout, 'npm/acme/net@latest\n');
});

test('the registry and its token come from npm configuration, by scope; nobody else sees the token', async (t) => {
  const home = makeHome(t, double);
  const host = new URL(double.npm).host;
  fs.writeFileSync(
    path.join(home.dir, '.npmrc'),
    `registry=http://127.0.0.1:1/\n@mine:registry=${double.npm}/\n//${host}/:_authToken=\${SECRET}\n`,
  );
  const env = { npm_config_registry: undefined, SECRET: 'npm_good' };
  const done = await home.axonWith(env, 'install', 'npm/@mine/secret', '--include', 'assets/*');
  assert.equal(done.status, 0, done.stderr);
  const refused = await home.axonWith(
    { ...env, SECRET: 'npm_bad' },
    'install',
    'npm/@mine/secret',
    '--force',
  );
  assert.equal(refused.status, 6);
});

const refusals: Record<string, number> = {
  wrong: 10,
  weak: 9,
  cut: 12,
  missing: 5,
  outside: 11,
  absolute: 11,
  link: 11,
  hardlink: 11,
  fifo: 11,
  twice: 11,
  twins: 11,
  reserved: 11,
  bomb: 11,
  crowd: 11,
};

for (const [name, status] of Object.entries(refusals)) {
  test(`the package ${name} ends with exit code ${status} and nothing installed`, async (t) => {
    const home = makeHome(t, double);
    const ended = await home.axon('install', `npm/${name}`, '--json');
    assert.equal(ended.status, status, ended.stderr + ended.stdout);
    assert.equal(ended.json<{ error: { exit: number } }>().error.exit, status);
    assert.deepEqual(home.installed(), []);
  });
}

test('a web page, a broken connection, a wrong and a missing version', async (t) => {
  const home = makeHome(t, double);
  double.lie({ on: 'npm', match: 'tgz', kind: 'html', times: 1 });
  assert.equal((await home.axon('install', 'npm/@acme/net')).status, 9);
  double.lie({ on: 'npm', match: 'net$', kind: 'html', times: 1 });
  assert.equal((await home.axon('install', 'npm/@acme/net')).status, 9);
  double.lie({ on: 'npm', match: 'tgz', kind: 'cut', times: 1 });
  double.lie({ on: 'npm', match: 'tgz', kind: 'flip', times: 1 });
  const healed = await home.axon('install', 'npm/@acme/net');
  assert.equal(healed.status, 0, healed.stderr);
  const none = await home.axon('install', 'npm/@acme/net@1.3.0');
  assert.equal(none.status, 5);
  assert.match(none.stderr, /1\.2\.0/);
  assert.equal((await home.axon('install', 'npm/@acme/net@^1.0.0')).status, 2);
  assert.equal((await home.axon('install', 'npm/../x')).status, 2);
});
