import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { modelPack } from '../../axon/package/modelpack.ts';
import { readManifest, readManifestText } from '../../axon/store/catalog.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import type { OciArtifact } from '../hub-double/oci.ts';
import { makeTar, makeTgz } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeZip } from '../hub-double/zip.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Guards: what is in the store already is not fetched where it comes in an archive, either: neither under
 * another name nor from another place, as long as the source states the archive's hash.
 */
const onnx = tinyOnnx();
const tgz = await makeTgz({
  'package.json': JSON.stringify({ name: 'net', license: 'MIT' }),
  'model.onnx': onnx,
  'labels.txt': 'a\nb\n',
});
const wheel = makeZip([
  { name: 'net/model.onnx', data: onnx },
  { name: 'net-1.dist-info/METADATA', data: Buffer.from('Metadata-Version: 2.1\nLicense: MIT\n') },
]);
const weight = 'application/vnd.cncf.model.weight.v1';
const layer = gzipSync(
  await makeTar([
    { name: './model.onnx', data: onnx },
    { name: './vocab.txt', data: Buffer.from('a b') },
  ]),
);

let double: HubDouble;
let axonFile: Buffer;
before(async () => {
  axonFile = await packedBy();
  const tarred = (tag: string, readme: string): OciArtifact => ({
    repository: 'acme/tarred',
    tag,
    layers: [
      { mediaType: `${weight}.tar+gzip`, data: layer },
      {
        mediaType: 'application/vnd.cncf.model.doc.v1.raw',
        data: Buffer.from(readme),
        annotations: { 'org.cncf.model.filepath': 'README.md' },
      },
    ],
  });
  double = await startHubDouble({
    files: { 'net.axon': axonFile },
    packages: [
      { name: 'net', version: '1.0.0', tarball: tgz },
      { name: 'net', version: '1.1.0', tarball: tgz },
    ],
    wheels: ['1', '2'].map((version) => ({
      project: 'net',
      filename: `net-${version}-py3-none-any.whl`,
      data: wheel,
    })),
    artifacts: [tarred('1', '# one'), tarred('2', '# two'), artifact],
  });
});
beforeEach(() => {
  double.seen.length = 0;
});
after(() => double.close());

/** A package of axon, as an archive and as an artifact of a registry. */
let artifact: OciArtifact;
async function packedBy(): Promise<Buffer> {
  const dir = fs.mkdtempSync('/tmp/axon-test-');
  const after: (() => void)[] = [];
  const home = makeHome({ after: (fn: () => void) => after.push(fn) } as never);
  try {
    fs.writeFileSync(path.join(dir, 'model.onnx'), onnx);
    fs.writeFileSync(path.join(dir, 'notes.txt'), 'notes');
    await must(home, 'install', dir, '--as', 'my/net@1', '--all');
    const out = path.join(dir, 'net.axon');
    await must(home, 'pack', 'my/net@1', '-o', out);
    const folder = path.join(home.models, 'my/net/1');
    const pack = modelPack(readManifestText(folder), null);
    const value = JSON.parse(pack.artifact.toString()) as {
      layers: { mediaType: string; annotations: Record<string, string> }[];
      annotations: Record<string, string>;
    };
    artifact = {
      repository: 'acme/packed',
      tag: '1',
      annotations: value.annotations,
      layers: value.layers.map(({ mediaType, annotations }) => ({
        mediaType,
        annotations,
        data: fs.readFileSync(path.join(folder, annotations['org.cncf.model.filepath'] ?? '')),
      })),
    };
    return fs.readFileSync(out);
  } finally {
    fs.rmSync(dir, { recursive: true });
    for (const fn of after) fn();
  }
}

async function must(home: Home, ...argv: string[]): Promise<void> {
  const ended = await home.axon(...argv);
  assert.equal(ended.status, 0, ended.stderr);
}

/** Requests for contents since the last look, first bytes aside. */
function fetched(): string[] {
  const of = double.seen.filter(
    ({ on, path: at, headers }) =>
      (on === 'cdn' || at.endsWith('.tgz')) && headers.range !== 'bytes=0-0',
  );
  double.seen.length = 0;
  return of.map(({ path: at }) => at);
}

const npmSpec = 'npm/net@1.1.0';
const axonSpec = () => `${double.cdn}/net.axon#sha256=${sha256(axonFile)}`;
const oci = (name: string) => `oci/${new URL(double.oci).host}/acme/${name}`;

test('a tarball, a wheel and a layer that came before do not come for another version', async (t) => {
  const home = makeHome(t, double);
  for (const [first, second, more] of [
    ['npm/net@1.0.0', npmSpec, 0],
    ['pypi/net@1', 'pypi/net@2', 0],
    [`${oci('tarred')}@1`, `${oci('tarred')}@2`, 1],
  ] as const) {
    await must(home, 'install', first, '--all', '--as', 'my/a@1', '--force');
    assert.ok(fetched().length > 0, first);
    await must(home, 'install', second, '--all', '--as', 'my/b@1', '--force');
    assert.ok(fetched().length > 0, 'with --force all comes anew');
    await must(home, 'uninstall', 'my/b@1');
    await must(home, 'install', second, '--all', '--as', 'my/b@1');
    const asked = fetched();
    assert.equal(asked.length, more, `${second}: ${asked.join(' ')}`);
    await must(home, 'verify', 'my/b@1');
    const [a, b] = ['a', 'b'].map((name) => readManifest(path.join(home.models, 'my', name, '1')));
    const known = (files: typeof a) =>
      files?.spec.format.files.filter((f) => !/README/.test(f.path));
    assert.deepEqual(known(b), known(a), 'what each file was compared with is kept');
    assert.equal(b?.metadata.license, a?.metadata.license);
  }
});

test('what was not taken before comes, and is known from then on', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', 'npm/net@1.0.0', '--include', 'model.onnx');
  fetched();
  await must(home, 'install', npmSpec, '--all');
  assert.equal(fetched().length, 1, 'labels.txt is not in the store');
  await must(
    home,
    'install',
    npmSpec,
    '--include',
    '*.onnx',
    '--include',
    '*.txt',
    '--as',
    'x/y@1',
  );
  assert.deepEqual(fetched(), []);
});

test('an .axon archive that came before is made of what the store has', async (t) => {
  const home = makeHome(t, double);
  await must(home, 'install', axonSpec());
  assert.equal(fetched().length, 1);
  await must(home, 'install', axonSpec(), '--as', 'my/other@1');
  await must(home, 'install', axonSpec());
  assert.deepEqual(fetched(), []);
  for (const id of ['my/net@1', 'my/other@1']) await must(home, 'verify', id);
  // A content that is gone brings the archive again, whole.
  await must(home, 'uninstall', 'my/net@1');
  const blob = sha256(onnx);
  fs.rmSync(path.join(home.dir, 'cache/blobs/sha256', blob.slice(0, 2), blob));
  await must(home, 'install', axonSpec());
  assert.equal(fetched().length, 1);
  await must(home, 'verify', 'my/net@1');
});

test('an archive is recognised by the hash in its answer, too', async (t) => {
  const home = makeHome(t, double);
  const digest = createHash('sha256').update(axonFile).digest('base64');
  double.lie({ on: 'cdn', kind: 'header', headers: { 'repr-digest': `sha-256=:${digest}:` } });
  t.after(() => double.tellTheTruth());
  await must(home, 'install', `${double.cdn}/net.axon`);
  assert.equal(fetched().length, 1);
  await must(home, 'install', `${double.cdn}/net.axon`, '--as', 'my/other@1');
  assert.deepEqual(fetched(), []);
});

test('of a package in a registry only the layers come that the store does not have', async (t) => {
  const home = makeHome(t, double);
  fs.writeFileSync(path.join(home.dir, 'model.onnx'), onnx);
  await must(home, 'install', './model.onnx', '--as', 'mine/net@1');
  await must(home, 'install', `${oci('packed')}@1`);
  assert.equal(fetched().length, 2, 'manifest.yaml and notes.txt');
  await must(home, 'install', `${oci('packed')}@1`, '--as', 'my/other@1');
  assert.equal(fetched().length, 1, 'manifest.yaml');
  await must(home, 'verify', 'my/other@1');
});

test('gc forgets archives of which nothing is left; a broken note is none', async (t) => {
  const home = makeHome(t, double);
  const notes = path.join(home.dir, 'cache/blobs/archives');
  await must(home, 'install', npmSpec);
  await must(home, 'install', axonSpec());
  assert.equal(fs.readdirSync(notes).length, 3, 'of the tarball, the package, and its address');
  for (const name of fs.readdirSync(notes))
    fs.writeFileSync(path.join(notes, name), name.startsWith('npm') ? '{"blobs":' : '[1]');
  fetched();
  await must(home, 'install', 'npm/net@1.0.0');
  assert.equal(fetched().length, 1);
  await must(home, 'gc');
  assert.equal(fs.readdirSync(notes).length, 1);
  for (const id of ['npm/net@1.1.0', 'npm/net@1.0.0', 'my/net@1'])
    await must(home, 'uninstall', id);
  await must(home, 'gc');
  assert.deepEqual(fs.readdirSync(notes), []);
});
