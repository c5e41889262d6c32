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
