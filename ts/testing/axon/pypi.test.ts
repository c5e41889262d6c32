import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseManifest } from '../../protocol/manifest.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import type { PypiFile } from '../hub-double/pypi.ts';
import { makeTar } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeZip, type ZipFileEntry } from '../hub-double/zip.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const metadata =
  'Metadata-Version: 2.1\nName: acme-net\nVersion: 1.2.0\nSummary: A net.\nLicense: MIT\n' +
  'Project-URL: Homepage, https://example.com/net\nKeywords: onnx,vad\n\nLong text. License: never\n';
const wheel = makeZip([
  { name: 'acme_net/model.onnx', data: onnx },
  { name: 'acme_net/__init__.py', data: Buffer.from('raise SystemExit') },
  { name: 'acme_net-1.2.0.dist-info/METADATA', data: Buffer.from(metadata) },
]);
const file = (filename: string, data: Buffer, more: Partial<PypiFile> = {}): PypiFile => ({
  project: 'acme-net',
  filename,
  data,
  ...more,
});
const link = 0o120777;

/** Wheels that must end with this exit code, and nothing installed. */
const hostile: Readonly<Record<string, { exit: number; entries: ZipFileEntry[] }>> = {
  outside: { exit: 11, entries: [{ name: '../evil.onnx', data: onnx }] },
  absolute: { exit: 11, entries: [{ name: '/evil.onnx', data: onnx }] },
  backslash: { exit: 11, entries: [{ name: '..\\evil.onnx', data: onnx }] },
  link: {
    exit: 11,
    entries: [{ name: 'model.onnx', data: Buffer.from('/etc/passwd'), mode: link }],
  },
  device: { exit: 11, entries: [{ name: 'model.onnx', mode: 0o020644 }] },
  encrypted: { exit: 11, entries: [{ name: 'model.onnx', data: onnx, encrypted: true }] },
  twice: {
    exit: 11,
    entries: [
      { name: 'model.onnx', data: onnx },
      { name: 'model.onnx', data: onnx },
    ],
  },
  twins: {
    exit: 11,
    entries: [
      { name: 'model.onnx', data: onnx },
      { name: 'Model.onnx', data: onnx },
    ],
  },
  'two-names': { exit: 11, entries: [{ name: 'model.onnx', data: onnx, localName: 'other.onnx' }] },
  'wrong-sum': { exit: 12, entries: [{ name: 'model.onnx', data: onnx, crc: 1 }] },
  'wrong-size': { exit: 12, entries: [{ name: 'model.onnx', data: onnx, size: 3 }] },
  bomb: { exit: 11, entries: [{ name: 'model.onnx', data: Buffer.alloc(300 * 1024 * 1024) }] },
};

let double: HubDouble;
before(async () => {
  const sdist = gzipSync(
    await makeTar([
      { name: 'acme_source-2.0/PKG-INFO', data: Buffer.from(metadata) },
      { name: 'acme_source-2.0/src/model.onnx', data: onnx },
    ]),
  );
  double = await startHubDouble({
    wheels: [
      file('acme_net-1.2.0-py3-none-any.whl', wheel),
      file('acme-net-1.2.0.tar.gz', Buffer.from('not this one')),
      file('acme_net-1.3.0rc1-py3-none-any.whl', Buffer.from('not this one')),
      file('acme_net-1.4.0-py3-none-any.whl', Buffer.from('not this one'), { yanked: 'broken' }),
      file('acme_net-1.10.0-cp39-cp39-win_amd64.whl', wheel),
      file('other-9.0-py3-none-any.whl', Buffer.from('another project')),
      file('acme_source-2.0.tar.gz', sdist, { project: 'acme-source' }),
      file('acme_wrong-1.0-py3-none-any.whl', wheel, {
        project: 'acme-wrong',
        sha256: sha256(Buffer.from('other')),
      }),
      file('acme_none-1.0-py3-none-any.whl', wheel, { project: 'acme-none', sha256: null }),
      file('acme_text-1.0-py3-none-any.whl', Buffer.from('{"no": "zip"}'), {
        project: 'acme-text',
      }),
      file('acme_cut-1.0-py3-none-any.whl', wheel.subarray(0, 200), { project: 'acme-cut' }),
      file('acme_mine-1.0-py3-none-any.whl', wheel, { project: 'acme-mine', login: 'me:secret' }),
      ...Object.entries(hostile).map(([name, { entries }]) =>
        file(`${name.replace('-', '_')}-1.0-py3-none-any.whl`, makeZip(entries), { project: name }),
      ),
    ],
  });
});
beforeEach(() => {
  double.tellTheTruth();
  double.pypiJson = true;
});
after(() => double.close());

test('a wheel is chosen, checked, opened and never run; the index answers JSON or pages', async (t) => {
  for (const json of [true, false]) {
    double.pypiJson = json;
    const home = makeHome(t, double);
    const done = await home.axon('install', 'pypi/Acme.Net@1.2', '--json');
    assert.equal(done.status, 0, done.stderr + done.stdout);
    assert.equal(done.json()['id'], 'pypi/acme-net@1.2');
    const dir = path.join(home.models, 'pypi/acme-net/1.2');
    const manifest = parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
    assert.deepEqual(manifest.distribution?.source, {
      hub: 'pypi',
      id: 'acme-net',
      revision: '1.2.0',
    });
    const { license, description, homepage, tags } = manifest.metadata;
    assert.deepEqual(
      { license, description, homepage, tags },
      {
        license: 'MIT',
        description: 'A net.',
        homepage: 'https://example.com/net',
        tags: ['onnx', 'vad'],
      },
    );
    assert.deepEqual(
      manifest.spec.format.files.map((one) => [one.path, one.verified_by, one.sha256]),
      [['acme_net/model.onnx', 'archive-sha256', sha256(onnx)]],
    );
  }
});

test('the newest release is taken; one without a file for this machine is named', async (t) => {
  const home = makeHome(t, double);
  const latest = await home.axon('install', 'pypi/acme-net', '--json');
  assert.equal(latest.status, 5);
  assert.match(latest.stdout, /1\.10\.0.*win_amd64/);
  const none = await home.axon('install', 'pypi/acme-net@7');
  assert.equal(none.status, 5);
  assert.match(none.stderr, /1\.10\.0/);
  const source = await home.axon('install', 'pypi/acme-source', '--json');
  assert.equal(source.status, 0, source.stderr);
  assert.equal(source.json<{ files: { path: string }[] }>().files[0]?.path, 'src/model.onnx');
  assert.equal((await home.axon('install', 'pypi/acme-absent')).status, 5);
  assert.equal((await home.axon('install', 'pypi/acme-net@>=1')).status, 2);
  assert.equal((await home.axon('install', 'pypi/../simple')).status, 2);
});

test("the address and the password come from pip's configuration; nobody else sees the password", async (t) => {
  const home = makeHome(t, double);
  const index = double.pypi.replace('://', '://me:secret@');
  fs.mkdirSync(path.join(home.dir, '.config/pip'), { recursive: true });
  fs.writeFileSync(
    path.join(home.dir, '.config/pip/pip.conf'),
    `[install]\nindex-url = http://127.0.0.1:1\n[global]\nindex-url = ${index}/simple\n`,
  );
  const start = double.seen.length;
  const done = await home.axonWith({ PIP_INDEX_URL: undefined }, 'install', 'pypi/acme-mine');
  assert.equal(done.status, 0, done.stderr);
  const known = double.seen.slice(start).filter(({ headers }) => headers.authorization);
  assert.deepEqual([...new Set(known.map(({ on }) => on))], ['pypi']);
  assert.equal((await makeHome(t, double).axon('install', 'pypi/acme-mine')).status, 6);
  const refused = await home.axonWith({ PIP_INDEX_URL: 'file:///srv' }, 'install', 'pypi/acme-net');
  assert.equal(refused.status, 3);
});

test("what no file and no variable says is asked of pip's own help", async (t) => {
  const home = makeHome(t, double);
  const bin = path.join(home.dir, 'bin');
  fs.mkdirSync(bin);
  const help = `  -i, --index-url <url>  Base URL of the Python Package Index (default\n      ${double.pypi}/simple).\n`;
  fs.writeFileSync(path.join(bin, 'pip3'), `#!/bin/sh\ncat <<'EOF'\n${help}EOF\n`, { mode: 0o755 });
  const env = {
    PIP_INDEX_URL: undefined,
    PIP_CONFIG_FILE: '/dev/null',
    PATH: `${bin}:/bin:/usr/bin`,
  };
  const done = await home.axonWith(env, 'install', 'pypi/acme-net@1.2.0');
  assert.equal(done.status, 0, done.stderr);
});

const refusals: Readonly<Record<string, number>> = {
  'acme-wrong': 10,
  'acme-none': 9,
  'acme-cut': 12,
  ...Object.fromEntries(Object.entries(hostile).map(([name, { exit }]) => [name, exit])),
};
for (const [name, status] of Object.entries(refusals))
  test(`the wheel ${name} ends with exit code ${status} and nothing installed`, async (t) => {
    const home = makeHome(t, double);
    const ended = await home.axon('install', `pypi/${name}`, '--json');
    assert.equal(ended.status, status, ended.stdout);
    assert.deepEqual(home.installed(), []);
  });

test('web pages, flips, cuts and loops', async (t) => {
  const home = makeHome(t, double);
  const spec = 'pypi/acme-net@1.2.0';
  for (const { lie, exit } of [
    { lie: { on: 'pypi', kind: 'html' }, exit: 9 },
    { lie: { on: 'pypi', kind: 'loop' }, exit: 9 },
    { lie: { on: 'cdn', kind: 'html' }, exit: 9 },
    { lie: { on: 'cdn', kind: 'flip' }, exit: 10 },
    { lie: { on: 'cdn', kind: 'cut' }, exit: 7 },
    { lie: { on: 'cdn', kind: 'redirect', to: 'file:///etc/passwd' }, exit: 9 },
  ] as const) {
    double.tellTheTruth();
    double.lie(lie);
    const ended = await home.axon('install', spec, '--json');
    assert.equal(ended.status, exit, `${JSON.stringify(lie)}: ${ended.stdout}`);
    assert.deepEqual(home.installed(), []);
  }
});

test('a wheel that is no archive is not called a broken one of another kind', async (t) => {
  const ended = await makeHome(t, double).axon('install', 'pypi/acme-text@1.0');
  assert.equal(ended.status, 12);
  assert.match(
    ended.stderr,
    /acme-text@1\.0 is no archive, neither zip nor tar: it begins with "\{/,
  );
});
