import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { headOf } from '../hub-double/hf.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { headOfModelscope } from '../hub-double/modelscope.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { tinySavedModel } from '../hub-double/tiny-tensorflow.ts';
import { resnet50File } from '../hub-double/torch-file.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const bert = {
  id: 'google-bert/bert-base-uncased',
  aliases: ['bert-base-uncased'],
  files: {
    'README.md': '# bert',
    'config.json': '{"model_type":"bert"}',
    'model.onnx': onnx,
    'tokenizer.json': '{"version":"1.0"}',
  },
};
const resnet = {
  'saved_model.pb': tinySavedModel(),
  'variables/variables.index': Buffer.alloc(300, 12),
  'variables/variables.data-00000-of-00001': Buffer.alloc(90_000, 13),
};
const damo = {
  id: 'damo/cv_resnet50_image-classification',
  files: { 'configuration.json': '{"task":"image-classification"}', 'model.onnx': onnx },
};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({
    repos: [bert],
    weights: { 'resnet50-11ad3fa6.pth': resnet50File() },
    models: [{ path: 'google/resnet-v2/tensorFlow2/50-classification', versions: [{}, resnet] }],
    handles: {
      'google/imagenet/resnet_v2_50/classification/5':
        'google/resnet-v2/TensorFlow2/50-classification/2',
    },
    scope: [damo],
  });
});
after(() => double.close());

const promises: Record<
  string,
  { revision: string; format: string; files: Readonly<Record<string, Buffer | string>> }
> = {
  'axon install hf/bert-base-uncased@latest': {
    revision: headOf(bert),
    format: 'onnx',
    files: bert.files,
  },
  'axon install pytorch/vision/resnet50@latest': {
    revision: 'IMAGENET1K_V2-11ad3fa6',
    format: 'pytorch',
    files: { 'resnet50-11ad3fa6.pth': resnet50File() },
  },
  'axon install tfhub/google/imagenet/resnet_v2_50/classification/5@latest': {
    revision: 'google/resnet-v2/tensorFlow2/50-classification/2',
    format: 'saved_model',
    files: resnet,
  },
  'axon install modelscope/damo/cv_resnet50_image-classification@latest': {
    revision: headOfModelscope(damo),
    format: 'onnx',
    files: damo.files,
  },
};

for (const [command, { revision, format, files }] of Object.entries(promises)) {
  test(`\`${command}\` works word for word`, async (t) => {
    const home = makeHome(t, double);
    const [, ...argv] = command.split(' ');
    const done = await home.spawned(...argv);
    assert.equal(done.status, 0, done.stderr);
    const id = argv[1] ?? '';
    const dir = path.join(home.models, ...id.split(/[/@]/));
    for (const [name, data] of Object.entries(files))
      assert.ok(fs.readFileSync(path.join(dir, name)).equals(Buffer.from(data)), name);
    const manifest = parseManifest(fs.readFileSync(path.join(dir, 'manifest.yaml'), 'utf8'));
    assert.equal(manifest.distribution?.source?.revision, revision);
    assert.equal(manifest.spec.format.type, format);
    assert.equal((await home.axon('verify', id)).status, 0);
    assert.equal((await home.axon('list', '--names')).stdout, `${id}\n`);
  });
}

test('the hubs that can be searched answer what axon install takes', async (t) => {
  const home = makeHome(t, double);
  for (const [hub, words, spec] of [
    ['hf', 'bert', 'hf/google-bert/bert-base-uncased'],
    ['modelscope', 'resnet50', 'modelscope/damo/cv_resnet50_image-classification'],
    ['kaggle', 'resnet', 'kaggle/google/resnet-v2'],
    ['pytorch', 'wide_resnet50', 'pytorch/vision/wide_resnet50_2'],
  ] as const) {
    const found = await home.axon('search', words, '--hub', hub, '--json');
    assert.equal(found.status, 0, found.stderr);
    assert.ok(found.stdout.includes(JSON.stringify(spec)), `${hub}: ${found.stdout}`);
  }
});
