import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { modelPack } from '../../axon/package/modelpack.ts';
import { readManifestText } from '../../axon/store/catalog.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import type { OciArtifact } from '../hub-double/oci.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { resnet50File } from '../hub-double/torch-file.ts';
import { makeHome } from './run-axon.ts';

/* Guards: a package is shown as its manifest states it, from wherever it comes, and its files do not come for it. */
const weights = Buffer.alloc(40_000_000, 7);
let double: HubDouble;
let archive: Buffer;
before(async () => {
  const { file, artifact } = await packed();
  archive = file;
  const files = { 'net.axon': file, 'net-gz.axon': gzipSync(file), 'no.axon': tinyOnnx() };
  double = await startHubDouble({ files, artifacts: [artifact] });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

async function packed(): Promise<{ readonly file: Buffer; readonly artifact: OciArtifact }> {
  const ends: (() => void)[] = [];
  const home = makeHome({ after: (end: () => void) => ends.push(end) } as never);
  const folder = path.join(home.dir, 'net');
  fs.mkdirSync(folder);
  for (const [name, data] of Object.entries({
    'model.onnx': tinyOnnx({ weights: [{ name: 'w', location: 'w.bin' }] }),
    'w.bin': weights,
    'setup.py': 'print(1)',
    'old.pth': resnet50File(),
    LICENSE: 'MIT License',
  }))
    fs.writeFileSync(path.join(folder, name), data);
  for (const line of [
    'install ./net --as my/net@1 --all --allow-code',
    'pack my/net@1 -o a.axon',
  ]) {
    const { status, stderr } = await home.axon(...line.split(' '));
    assert.equal(status, 0, stderr);
  }
  const dir = path.join(home.models, 'my/net/1');
  const value = JSON.parse(modelPack(readManifestText(dir), null).artifact.toString()) as {
    layers: { mediaType: string; annotations: Record<string, string> }[];
    annotations: Record<string, string>;
  };
  const artifact: OciArtifact = {
    repository: 'acme/net',
    tag: 'v1',
    annotations: value.annotations,
    layers: value.layers.map(({ mediaType, annotations }) => ({
      mediaType,
      annotations,
      data: fs.readFileSync(path.join(dir, annotations['org.cncf.model.filepath'] ?? '')),
    })),
  };
  const file = fs.readFileSync(path.join(home.dir, 'a.axon'));
  for (const end of ends) end();
  return { file, artifact };
}

const sources = {
  'a file': () => './net.axon',
  'an address': () => `${double.cdn}/net.axon`,
  'an address of a compressed one': () => `${double.cdn}/net-gz.axon`,
  'a registry': () => `oci/${new URL(double.oci).host}/acme/net@v1`,
};

for (const [what, spec] of Object.entries(sources))
  test(`what ${what} would bring is shown before it comes`, async (t) => {
    const home = makeHome(t, double);
    fs.writeFileSync(path.join(home.dir, 'net.axon'), archive);
    const dry = await home.axon('install', spec(), '--dry-run');
    assert.equal(dry.status, 0, dry.stderr);
    const { stdout } = dry;
    assert.match(stdout, /Would install the package my\/net@1.*: 5 files, 4\d\.\d MB/);
    assert.match(stdout, /licence +\S/);
    assert.match(stdout, /format +onnx/);
    assert.match(stdout, /source +(file|https|oci) .*net/);
    assert.match(stdout, /claims +to be file net/);
    assert.match(stdout, /programs +setup\.py: with --allow-code only/);
    assert.match(stdout, /pickle +old\.pth: looked into once it is here/);
    assert.match(stdout, /w\.bin +40\.0 MB/);
    const json = (await home.axon('install', spec(), '--dry-run', '--json')).json();
    assert.deepEqual(
      [json['id'], json['is_there'], json['format'], json['may_need']],
      ['my/net@1', false, 'onnx', { allow_pickle: ['old.pth'], allow_code: ['setup.py'] }],
    );
    const other = await home.axon('install', spec(), '--dry-run', '--as', 'x/y@1', '--all');
    assert.match(other.stdout, /Would install the package x\/y@1/);
    assert.match(other.stderr, /is a package, which comes whole: --all chooses nothing/);
    const info = await home.axon('info', spec());
    assert.equal(info.status, 0, info.stderr);
    assert.match(info.stdout, /my\/net@1 \(not installed\)/);
    assert.match(info.stdout, /source +the package .*net/);
    assert.match(info.stdout, /claims +to be file net/);
    assert.match(info.stdout, /programs +setup\.py/);
    assert.match(info.stdout, /input +x +float32\[/);
    const shown = (await home.axon('info', spec(), '--json')).json<{
      manifest: { kind: string };
    }>();
    assert.equal(shown.manifest.kind, 'Model');
    assert.deepEqual(home.installed(), []);
    // The bytes of an address are asked for up to where a manifest may end.
    const ranges = double.seen.filter(({ on }) => on === 'cdn').map(({ headers }) => headers.range);
    if (what.startsWith('an address'))
      assert.ok(ranges.every((range) => /^bytes=0-(0|8388607)$/.test(range ?? '')));
    const done = await home.axon('install', spec(), '--allow-code', '--allow-pickle');
    assert.equal(done.status, 0, done.stderr);
    assert.match((await home.axon('install', spec(), '--dry-run')).stdout, /is there +already/);
  });

test('a server without ranges shows it as well; one that sends something else is told', async (t) => {
  const home = makeHome(t, double);
  double.lie({ on: 'cdn', kind: 'ignore-range' });
  const dry = await home.axon('install', `${double.cdn}/net.axon`, '--dry-run');
  assert.match(dry.stdout, /Would install the package my\/net@1/, dry.stderr);
  double.tellTheTruth();
  double.lie({ on: 'cdn', kind: 'html' });
  const page = await home.axon('info', `${double.cdn}/net.axon`);
  assert.match(page.stderr, /a web page .* instead of net\.axon/);
  double.tellTheTruth();
  const model = await home.axon('install', `${double.cdn}/no.axon`, '--dry-run');
  assert.equal(model.status, 12, model.stderr);
  assert.match(model.stderr, /no\.axon is not a whole tar archive/);
  const cut = await home.axon('install', './cut.axon', '--dry-run');
  assert.equal(cut.status, 5, cut.stderr);
  fs.writeFileSync(path.join(home.dir, 'cut.axon'), archive.subarray(0, 700));
  assert.match((await home.axon('info', './cut.axon')).stderr, /it is cut/);
});
