import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { gitBlob, sha256 } from '../hub-double/hashes.ts';
import { goodToken, headOf, strangerToken } from '../hub-double/hf.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const files = { 'config.json': '{"model_type":"bert"}', 'model.onnx': onnx };
const net = { id: 'acme/net', aliases: ['net'], files };
const cards: Record<
  string,
  { card: object; files: Record<string, string | Buffer>; license: string }
> = {
  other: {
    card: { license: 'other', license_name: 'llama', license_link: 'https://example.com/l' },
    files,
    license: 'llama (https://example.com/l)',
  },
  several: { card: { license: ['mit', 'cc-by-4.0'] }, files, license: 'mit, cc-by-4.0' },
  beside: { card: {}, files: { ...files, LICENSE: 'You may.' }, license: 'SEE LICENSE IN LICENSE' },
  silent: { card: {}, files, license: 'unknown' },
};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    repos: [
      net,
      { id: 'acme/gated', gated: true, files },
      { id: 'acme/private', private: true, files },
      {
        id: 'acme/crowd',
        files: {
          'model.onnx': onnx,
          ...Object.fromEntries(Array.from({ length: 9_999 }, (_, i) => [`data/${i}.txt`, `${i}`])),
        },
      },
      ...Object.entries(cards).map(([name, { card, files: own }]) => ({
        id: `acme/${name}`,
        card,
        files: own,
      })),
    ],
  });
});
beforeEach(() => {
  double.tellTheTruth();
  double.seen.length = 0;
});
after(() => double.close());

const fetched = () => double.seen.filter(({ path: asked }) => /resolve/.test(asked));

test('a gated repository is refused before anything is promised, in words for each case', async (t) => {
  const home = makeHome(t, double);
  const anonymous = await home.axon('install', 'hf/acme/gated', '--dry-run');
  assert.equal(anonymous.status, 6);
  assert.match(
    anonymous.stderr,
    new RegExp(`accept its terms at ${double.hf}/acme/gated, then set HF_TOKEN`),
  );
  const stranger = await home.axonWith({ HF_TOKEN: strangerToken }, 'install', 'hf/acme/gated');
  assert.equal(stranger.status, 6);
  assert.match(stranger.stderr, /account of the token in use has no access/);
  assert.equal(fetched().length, 0, 'no file was asked for');
  const done = await home.axonWith({ HF_TOKEN: goodToken }, 'install', 'hf/acme/gated');
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stderr, /The Hugging Face token \(HF_TOKEN\) is sent to 127\.0\.0\.1/);
});

test('a private repository needs a token, from a file too; a bad one is named by where it is from', async (t) => {
  const home = makeHome(t, double);
  const anonymous = await home.axon('install', 'hf/acme/private');
  assert.equal(anonymous.status, 5);
  assert.match(anonymous.stderr, /does not exist, or is private. Set HF_TOKEN/);
  const token = path.join(home.dir, '.cache/huggingface/token');
  fs.mkdirSync(path.dirname(token), { recursive: true });
  fs.writeFileSync(token, `${goodToken}\r\n`);
  const done = await home.axon('install', 'hf/acme/private');
  assert.equal(done.status, 0, done.stderr);
  fs.writeFileSync(token, 'hf_old');
  const old = await home.axon('install', 'hf/acme/net');
  assert.equal(old.status, 0, old.stderr);
  assert.ok(old.stderr.includes(`token (${token}) is not valid`), old.stderr);
});

test('revisions: a tag, a pull request with its slashes, and the nearest of what there is', async (t) => {
  const home = makeHome(t, double);
  for (const [asked, version] of [
    ['v1.0', 'v1.0'],
    ['refs/pr/1', 'refs-pr-1'],
  ] as const) {
    const done = await home.axon('install', `hf/acme/net@${asked}`, '--json');
    assert.equal(done.status, 0, done.stderr);
    assert.equal(done.json()['id'], `hf/acme/net@${version}`);
  }
  const typo = await home.axon('install', 'hf/acme/net@v1.1');
  assert.equal(typo.status, 5);
  assert.match(typo.stderr, /no revision "v1\.1"\. Did you mean "v1\.0"\? It has: main, v1\.0/);
  const offline = await home.axonWith({ HF_HUB_OFFLINE: '1' }, 'install', 'hf/acme/net');
  assert.equal(offline.status, 7);
});

test('what the Hugging Face cache of this machine has is taken from it; nothing is fetched', async (t) => {
  const home = makeHome(t, double);
  const folder = path.join(home.dir, 'hf/hub/models--net');
  fs.mkdirSync(path.join(folder, 'blobs'), { recursive: true });
  const snapshot = path.join(folder, 'snapshots', headOf(net));
  fs.mkdirSync(snapshot, { recursive: true });
  const blob = path.join(folder, 'blobs', sha256(onnx));
  fs.writeFileSync(blob, onnx, { mode: 0o444 });
  // Where links are off a snapshot holds the file itself.
  fs.writeFileSync(path.join(snapshot, 'config.json'), files['config.json']);
  const env = { HF_HOME: path.join(home.dir, 'hf') };
  const done = await home.axonWith(env, 'install', 'hf/net');
  assert.equal(done.status, 0, done.stderr);
  assert.equal(fetched().length, 0, 'no file was fetched');
  const manifest = parseManifest(
    fs.readFileSync(path.join(home.models, 'hf/net/latest/manifest.yaml'), 'utf8'),
  );
  assert.deepEqual(
    manifest.spec.format.files.map((file) => [file.path, file.verified_by]),
    [
      ['config.json', 'git-sha1'],
      ['model.onnx', 'sha256'],
    ],
  );
  const own = path.join(home.models, 'hf/net/latest/model.onnx');
  assert.notEqual(fs.statSync(own).ino, fs.statSync(blob).ino, 'a file of our own');
});

test('a damaged file of that cache is fetched instead, and left as it is', async (t) => {
  const home = makeHome(t, double);
  const blobs = path.join(home.dir, 'cache-of-hf/models--acme--net/blobs');
  fs.mkdirSync(blobs, { recursive: true });
  const damaged = Buffer.from(onnx);
  damaged[10] = (damaged[10] ?? 0) ^ 1;
  fs.writeFileSync(path.join(blobs, sha256(onnx)), damaged);
  fs.symlinkSync('/etc/passwd', path.join(blobs, gitBlob(Buffer.from(files['config.json']))));
  const env = { HF_HUB_CACHE: path.join(home.dir, 'cache-of-hf') };
  const done = await home.axonWith(env, 'install', 'hf/acme/net');
  assert.equal(done.status, 0, done.stderr);
  assert.ok(fetched().length >= 2);
  assert.ok(fs.readFileSync(path.join(home.models, 'hf/acme/net/latest/model.onnx')).equals(onnx));
  assert.ok(fs.readFileSync(path.join(blobs, sha256(onnx))).equals(damaged));
});

test('a repository of 10 000 files is planned page by page', async (t) => {
  const home = makeHome(t, double);
  const shown = await home.axon('install', 'hf/acme/crowd', '--dry-run', '--json');
  assert.equal(shown.status, 0, shown.stderr);
  assert.deepEqual(
    shown.json<{ files: { path: string }[] }>().files.map((file) => file.path),
    ['model.onnx'],
  );
  assert.equal(double.seen.filter(({ path: asked }) => asked.includes('/tree/')).length, 10);
});

test("a mirror's next page is asked of the mirror, whatever address it hands out", async (t) => {
  const home = makeHome(t, double);
  const head = double.seen.length;
  double.lie({
    on: 'hf',
    match: 'tree.*recursive=true$',
    kind: 'header',
    times: 1,
    headers: {
      link: `<https://huggingface.co/api/models/acme/net/tree/${headOf(net)}?cursor=1>; rel="next"`,
    },
  });
  const done = await home.axon('install', 'hf/acme/net', '--dry-run');
  assert.notEqual(done.status, 7, done.stderr);
  assert.ok(double.seen.slice(head).some(({ path: asked }) => asked.endsWith('?cursor=1')));
  double.lie({
    on: 'hf',
    match: 'tree',
    kind: 'header',
    headers: { link: '<https://huggingface.co/api/models/other/tree/main?cursor=1>; rel="next"' },
  });
  assert.equal((await home.axon('install', 'hf/acme/net', '--dry-run')).status, 9);
});

for (const [name, { license }] of Object.entries(cards)) {
  test(`the licence of the repository ${name} is ${license}`, async (t) => {
    const home = makeHome(t, double);
    const done = await home.axon('install', `hf/acme/${name}`);
    assert.equal(done.status, 0, done.stderr);
    const file = path.join(home.models, `hf/acme/${name}/latest/manifest.yaml`);
    assert.equal(parseManifest(fs.readFileSync(file, 'utf8')).metadata.license, license);
  });
}
