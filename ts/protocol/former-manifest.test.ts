import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkManifest } from './manifest.ts';

const sha256 = 'a'.repeat(64);
const former = {
  apiVersion: 'v1',
  kind: 'Model',
  metadata: {
    name: 'vision/resnet50',
    namespace: 'pytorch',
    version: 'latest',
    license: 'Unknown',
  },
  spec: {
    framework: { name: 'PyTorch', version: '2.0.0' },
    format: {
      type: 'pytorch',
      execution_format: 'pytorch',
      files: [
        { path: 'pytorch_model.bin', size: 0, sha256: '' },
        { path: 'resnet50.pth', size: 3, sha256 },
      ],
    },
  },
  distribution: { package: { url: '', size: 0, sha256: '' }, registry: { url: '', namespace: '' } },
};

test('a manifest of an earlier release is read: entries without a hash go, nothing is trusted more', () => {
  const { metadata, spec } = checkManifest(former);
  assert.deepEqual(spec.format.files, [
    { path: 'resnet50.pth', size: 3, sha256, verified_by: 'tofu' },
  ]);
  assert.equal(metadata.license, 'unknown');
});

test('its older form, JSON with capitalised keys, says the same', () => {
  const capital = {
    APIVersion: 'v1',
    Kind: 'Model',
    Metadata: { Name: 'net', Namespace: 'hf', Version: 'latest', License: 'MIT', Authors: null },
    Spec: {
      Framework: { Name: 'onnx', Version: '' },
      Format: {
        Type: 'onnx',
        ExecutionFormat: 'onnx',
        Files: [{ Path: 'model.onnx', Size: 3, SHA256: sha256 }],
      },
      IO: { Inputs: [{ Name: 'x', DType: 'float32', Shape: [-1] }], Outputs: [] },
      Requirements: { Compute: { CPU: { MinCores: 2 }, Memory: { MinGB: 2 } } },
    },
  };
  const { spec } = checkManifest(capital);
  assert.equal(spec.format.execution_format, 'onnx');
  assert.equal(spec.io?.inputs[0]?.dtype, 'float32');
  assert.deepEqual(spec.requirements?.compute, { cpu: { min_cores: 2 }, memory: { min_gb: 2 } });
});

test('one that lists no hash is of no use, and says what to do', () => {
  const bogus = structuredClone(former);
  bogus.spec.format.files.pop();
  assert.throws(() => checkManifest(bogus), {
    code: 'INVALID_MANIFEST',
    message: /no file with its sha256.*Install the model again/,
  });
});

test('what is written today has to say what each file was compared with', () => {
  assert.throws(() => checkManifest({ ...former, apiVersion: 'axon.mlos.io/v1' }), {
    message: /sha256|verified_by/,
  });
});
