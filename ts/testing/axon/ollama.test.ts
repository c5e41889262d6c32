import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import type { OciArtifact } from '../hub-double/oci.ts';
import { makeHome } from './run-axon.ts';

/** A GGUF of version 3 with neither tensors nor keys. */
const gguf = Buffer.alloc(24);
gguf.write('GGUF');
gguf.writeUInt32LE(3, 4);

const layer = (kind: string, data: Buffer | string) => ({
  mediaType: `application/vnd.ollama.image.${kind}`,
  data: Buffer.from(data),
});
const model = (repository: string, tag: string): OciArtifact => ({
  repository,
  tag,
  config: {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    data: Buffer.from('{"model_format":"gguf","model_family":"tiny","model_type":"8.0B"}'),
  },
  layers: [
    layer('model', gguf),
    layer('template', '{{ .Prompt }}'),
    layer('params', '{"stop":["x"]}'),
    layer('system', 'Be brief.'),
    layer('license', 'First licence'),
    layer('license', 'Second licence'),
  ],
});

let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    artifacts: [model('library/tiny', 'latest'), model('me/tiny', '8b')],
  });
});
after(() => double.close());

test('a model of the library has its layers as named files, each checked by its digest', async (t) => {
  const home = makeHome(t, double);
  for (const [spec, where] of [
    ['ollama/tiny', 'ollama/tiny/latest'],
    ['ollama/me/tiny:8b', 'ollama/me/tiny/8b'],
  ] as const) {
    const done = await home.axon('install', spec, '--all', '--json');
    assert.equal(done.status, 0, done.stdout + done.stderr);
    const dir = path.join(home.models, where);
    const manifest = parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
    assert.deepEqual(
      manifest.spec.format.files.map((file) => [file.path, file.verified_by]),
      ['LICENSE', 'LICENSE-2', 'model.gguf', 'params.json', 'system.txt', 'template.txt'].map(
        (name) => [name, 'sha256'],
      ),
    );
    assert.deepEqual(manifest.metadata.tags, ['tiny', '8.0B']);
    assert.equal(manifest.spec.format.type, 'gguf');
    assert.equal(sha256(fs.readFileSync(path.join(dir, 'model.gguf'))), sha256(gguf));
  }
});

test('what is not there, and what is no name of a model', async (t) => {
  const home = makeHome(t, double);
  assert.equal((await home.axon('install', 'ollama/none')).status, 5);
  assert.equal((await home.axon('install', 'ollama/tiny@none')).status, 5);
  for (const bad of ['ollama/a/b/c', 'ollama/../x', 'ollama/tiny@a/b', 'ollama/tiny@'])
    assert.equal((await home.axon('install', bad)).status, 2, bad);
  assert.deepEqual(home.installed(), []);
});

/** Puts blobs where Ollama keeps them; gives the folder. */
function writeBlobs(models: string, ...blobs: readonly (readonly [hash: string, data: Buffer])[]) {
  fs.mkdirSync(path.join(models, 'blobs'), { recursive: true });
  for (const [hash, data] of blobs)
    fs.writeFileSync(path.join(models, 'blobs', `sha256-${hash}`), data, { mode: 0o444 });
  return models;
}

const blobsFetched = () => double.seen.filter(({ path: at }) => /\/blobs\//.test(at));

test('what Ollama has on this machine is taken from it and checked; no blob is fetched', async (t) => {
  for (const where of ['elsewhere', '.ollama/models']) {
    const home = makeHome(t, double);
    const { config, layers = [] } = model('library/tiny', 'latest');
    const data = [...(config === undefined ? [] : [config]), ...layers].map((one) => one.data);
    const models = path.join(home.dir, where);
    writeBlobs(models, ...data.map((bytes) => [sha256(bytes), bytes] as const));
    double.seen.length = 0;
    const env = where === 'elsewhere' ? { OLLAMA_MODELS: models } : {};
    const done = await home.axonWith(env, 'install', 'ollama/tiny', '--all');
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stderr, /Taken from Ollama on this machine, and checked: .*model\.gguf/);
    assert.deepEqual(blobsFetched(), []);
    assert.equal((await home.axon('verify', 'ollama/tiny')).status, 0);
    assert.ok(fs.statSync(path.join(models, 'blobs', `sha256-${sha256(gguf)}`)).nlink === 1);
  }
});

test('a blob of Ollama that is damaged or cut is left where it is, and fetched', async (t) => {
  const home = makeHome(t, double);
  const wrong = Buffer.from(gguf);
  wrong[20] = 1;
  const models = writeBlobs(
    path.join(home.dir, '.ollama/models'),
    [sha256(gguf), wrong],
    [sha256(Buffer.from('Be brief.')), Buffer.from('Be')],
  );
  double.seen.length = 0;
  const done = await home.axon('install', 'ollama/tiny', '--all');
  assert.equal(done.status, 0, done.stderr);
  assert.ok(blobsFetched().some(({ path: at }) => at.endsWith(sha256(gguf))));
  const file = path.join(home.models, 'ollama/tiny/latest/model.gguf');
  assert.deepEqual(fs.readFileSync(file), gguf);
  assert.deepEqual(fs.readFileSync(path.join(models, 'blobs', `sha256-${sha256(gguf)}`)), wrong);
});
