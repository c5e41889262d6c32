import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

/* One file of a repository that a hub or its content network has lost: the error is about that file. */
const repo = { id: 'acme/net', files: { 'config.json': '{}', 'model.onnx': tinyOnnx() } };

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [repo], scope: [repo] });
});
beforeEach(() => double.tellTheTruth());
after(() => double.close());

for (const [what, spec, fault] of [
  ['a content network of Hugging Face', 'hf/acme/net', { on: 'cdn' }],
  ['Hugging Face itself', 'hf/acme/net', { on: 'hf', match: 'resolve/.*model\\.onnx' }],
  ['ModelScope', 'ms/acme/net', { on: 'modelscope', match: 'FilePath=model\\.onnx' }],
] as const)
  test(`${what} answers 404 for one file: the file is named, and the repository is not missing`, async (t) => {
    const home = makeHome(t, double);
    double.lie({ ...fault, kind: 'status', status: 404 });
    const failed = await home.axon('install', spec);
    assert.equal(failed.status, 5, failed.stderr);
    assert.match(failed.stderr, /has no model\.onnx of acme\/net \(404\)/);
    assert.doesNotMatch(failed.stderr, /does not exist/);
    assert.deepEqual(home.installed(), []);
  });

test('a repository that is missing is still said to be', async (t) => {
  const home = makeHome(t, double);
  const failed = await home.axon('install', 'hf/acme/none');
  assert.equal(failed.status, 5, failed.stderr);
  assert.match(failed.stderr, /acme\/none does not exist/);
});
