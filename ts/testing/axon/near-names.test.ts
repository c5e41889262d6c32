import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { makeTgz } from '../hub-double/tarball.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeZip } from '../hub-double/zip.ts';
import { makeHome } from './run-axon.ts';

const onnx = tinyOnnx();
const bert = 'google-bert/bert-base-uncased';
let double: HubDouble;
before(async () => {
  const tarball = await makeTgz({ 'model.onnx': onnx });
  double = await startHubDouble({
    repos: [
      { id: bert, files: { 'onnx/model.onnx': onnx, 'onnx/model_fp16.onnx': onnx } },
      { id: 'other/bert-large', files: { 'model.onnx': onnx } },
    ],
    packages: ['1.2.0', '1.3.0'].map((version) => ({ name: '@acme/net', version, tarball })),
    models: [
      { path: 'google/yamnet/tfLite/tfjs', versions: [{ 'model.onnx': onnx }] },
      { path: 'google/yamnet/tfLite/classification', versions: [{ 'model.onnx': onnx }] },
    ],
    scope: [{ id: 'damo/cv_resnet50', files: { 'model.onnx': onnx } }],
    artifacts: [
      { repository: 'acme/net', tag: 'v1.0' },
      { repository: 'acme/net', tag: 'v2.0' },
      { repository: 'library/tiny', tag: 'q4' },
    ],
    wheels: [
      {
        project: 'acme-net',
        filename: 'acme_net-1.2.0-py3-none-any.whl',
        data: makeZip([{ name: 'model.onnx', data: onnx }]),
      },
    ],
    releases: [{ repo: 'acme/whisper', tag: 'v1.7', assets: { 'net.onnx': onnx } }],
    code: [{ id: 'ultralytics/yolov5', files: { 'hubconf.py': 'def yolov5s():\n    pass\n' } }],
  });
});
after(() => double.close());

/** What is typed, the exit code, and what has to be said. */
const table: readonly (readonly [argv: string[], exit: number, says: RegExp])[] = [
  [['hf/google-bert/bert-base-uncasd'], 5, /Did you mean "hf\/google-bert\/bert-base-uncased"\?/],
  [['hf/goggle/bert-base-uncased'], 5, /Did you mean "hf\/google-bert\/bert-base-uncased"\?/],
  [['hf/org/unheard-of-thing'], 5, /`axon search unheard of thing` may find it/],
  [[`hf/${bert}@v1`], 5, /Did you mean "v1\.0"\? It has: main, v1\.0/],
  [[`hf/${bert}`, '--variant', 'fp15'], 13, /no variant "fp15"\. Did you mean "fp16"\? It has: /],
  [[`hf/${bert}`, '--include', 'model_fp61.onnx'], 14, /Did you mean "model_fp16\.onnx"\?/],
  [[`hf/${bert}`, '--format', 'onxn'], 2, /Did you mean "onnx"\?/],
  [['modelscope/damo/cv_resnet5'], 5, /Did you mean "modelscope\/damo\/cv_resnet50"\?/],
  [['modelscope/damo/cv_resnet50@v1'], 5, /Did you mean "v1\.0"\?/],
  [['kaggle/google/yamnets'], 5, /Did you mean "kaggle\/google\/yamnet"\?/],
  [['kaggle/google/yamnets/tfLite/tfjs'], 5, /Did you mean "kaggle\/google\/yamnet"\?/],
  [
    ['kaggle/google/yamnet/tfLite/classificatio'],
    5,
    /Did you mean "tfLite\/classification"\? It has: tfLite\/tfjs, tfLite\/classification\./,
  ],
  [['kaggle/google/yamnet/tflit/tfjs'], 2, /Did you mean "tfLite"\?/],
  [['tfhub/google/yamnet/1'], 5, /Did you mean "kaggle\/google\/yamnet"\?/],
  [['npm/@acme/nett'], 5, /Did you mean "npm\/@acme\/net"\?/],
  [['npm/@acme/net@1.2.1'], 5, /Did you mean 1\.2\.0\?/],
  [['npm/@acme/net@lastest'], 5, /Did you mean latest\?/],
  [['pypi/acme-nett'], 5, /https:\/\/pypi\.org\/search/],
  [['pypi/acme-net@1.2.1'], 5, /Did you mean "1\.2\.0"\?/],
  [['oci/HOST/acme/net@v1.1'], 5, /Did you mean "v1\.0"\? It has: v1\.0, v2\.0\./],
  [['oci/HOST/acme/nett@v1.0'], 5, /Did you mean "acme\/net"\?/],
  [['ollama/tiny@q5'], 5, /Did you mean "q4"\? It has: q4\./],
  [['gh/acme/wisper'], 5, /Did you mean "gh\/acme\/whisper"\?/],
  [['gh/acme/whisper@v1.8'], 5, /no release v1\.8\. Did you mean "v1\.7"\? It has: v1\.7\./],
  [['gh/acme/whisper#nett.onnx'], 5, /Did you mean "net\.onnx"\?/],
  [['pytorch/vision/resnet51'], 5, /Did you mean "resnet50"\?/],
  [['pytorch/vision/resnet50@IMAGENET1K_V3'], 5, /Did you mean "IMAGENET1K_V[12]"\?/],
  [['pytorch/ultralytics/yolov55/yolov5s'], 5, /Did you mean "pytorch\/ultralytics\/yolov5"\?/],
  [['pytorch/ultralytics/yolov5/yolov5x'], 5, /Did you mean "yolov5s"\?/],
  [['pytorch/ultralytics/yolov5/yolov5s@v2'], 5, /Did you mean "v1"\? It has: main, v1\./],
  [['./net.onxn'], 5, /Did you mean "net\.onnx"\?/],
  [['./none/net.onnx'], 5, /The folder .*none cannot be read either/],
  [['hgf/org/net'], 2, /Did you mean "hf"\?/],
];

test('a wrong name is answered with the right one, where the hub can tell it', async (t) => {
  const home = makeHome(t, double);
  fs.writeFileSync(path.join(home.dir, 'net.onnx'), onnx);
  const { host } = new URL(double.oci);
  for (const [[spec = '', ...flags], exit, says] of table) {
    const typed = spec.replace('HOST', host);
    const ended = await home.axon('install', typed, ...flags);
    assert.match(ended.stderr, says, typed);
    assert.equal(ended.status, exit, `${typed}: ${ended.stderr}`);
    assert.equal(ended.stdout, '', typed);
  }
  assert.deepEqual(home.installed(), []);
});

test('a search that fails or lists nothing leaves the error as it is', async (t) => {
  t.after(() => double.tellTheTruth());
  const home = makeHome(t, double);
  double.lie({ on: 'hf', match: 'search=', kind: 'status', status: 500 });
  double.registry.lists = false;
  const start = double.seen.length;
  const ended = await home.axon('install', `hf/${bert}s`);
  assert.equal(ended.status, 5, ended.stderr);
  assert.match(ended.stderr, /does not exist.*axon search bert base uncaseds/);
  // Asked once each, and never again.
  const asked = double.seen.slice(start).filter(({ path: at }) => at.includes('search='));
  assert.equal(new Set(asked.map(({ path: at }) => at)).size, asked.length);
  const { host } = new URL(double.oci);
  const missing = await home.axon('install', `oci/${host}/acme/nett@v1`);
  assert.equal(missing.status, 5, missing.stderr);
  assert.doesNotMatch(missing.stderr, /Did you mean/);
});
