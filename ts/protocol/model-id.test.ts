import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashedModelId, formatModelId, parseModelId } from './model-id.ts';

test('the spellings of the documents', () => {
  assert.deepEqual(parseModelId('hf/bert-base-uncased@latest'), {
    namespace: 'hf',
    name: 'bert-base-uncased',
    version: 'latest',
  });
  assert.equal(parseModelId('hf/microsoft/resnet-50').name, 'microsoft/resnet-50');
  assert.equal(
    formatModelId(parseModelId('pytorch/vision/resnet50')),
    'pytorch/vision/resnet50@latest',
  );
  assert.equal(dashedModelId('hf/a/b@latest'), 'hf-a-b@latest');
});

test('what could leave a folder, or is no id, is refused', () => {
  for (const bad of [
    '',
    'bert',
    '/x',
    'hf/',
    'hf//x',
    'hf/../x',
    'hf/x@../y',
    'hf/x@',
    'hf/.x',
    'hf/-x',
    'hf/a b',
    'hf/a\0b',
    'hf/a%2Fb',
    `hf/${'x'.repeat(300)}`,
  ]) {
    assert.throws(() => parseModelId(bad), { code: 'INVALID_MODEL_ID' }, bad);
  }
});
