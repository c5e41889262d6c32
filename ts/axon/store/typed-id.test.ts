import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatModelId } from '../../protocol/model-id.ts';
import { parseTypedId } from './typed-id.ts';

test("an installed model answers to its source's own spelling", () => {
  const typed = (text: string) => formatModelId(parseTypedId(text));
  assert.equal(typed('npm/@scope/name@1.2.3'), 'npm/scope/name@1.2.3');
  assert.equal(typed('huggingface/bert-base-uncased'), 'hf/bert-base-uncased@latest');
  assert.equal(typed('hf/org/x@main'), 'hf/org/x@main');
  assert.throws(() => typed('hf/@x/y'), { code: 'INVALID_MODEL_ID' });
});
