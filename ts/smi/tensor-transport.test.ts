import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader } from '../protocol/frame.ts';
import { decodeMsgpack } from '../protocol/msgpack.ts';
import { Tensor } from '../protocol/tensor.ts';
import {
  readInferAnswer,
  readInferRequest,
  writeInferAnswer,
  writeInferRequest,
} from './infer-message.ts';
import { smiLimits } from './smi-limits.ts';

/** What the other side decodes, the bytes arriving in two parts. */
function travel(pieces: readonly Uint8Array[]): unknown[] {
  const bytes = Buffer.concat(pieces);
  const messages: unknown[] = [];
  const reader = new FrameReader({
    maxBytes: smiLimits.frameBytes,
    onFrame: (payload) => messages.push(decodeMsgpack(payload)),
  });
  reader.push(bytes.subarray(0, 7));
  reader.push(bytes.subarray(7));
  assert.equal(messages.length, 1);
  return messages[0] as unknown[];
}

test('a request arrives as it was sent, odd names included', () => {
  const inputs = new Map([
    ['__proto__', new Tensor('float32', [1], Buffer.from([1, 2, 3, 4]))],
    ['', new Tensor('string', [2, 1], ['ä', ''])],
    ['scalar', new Tensor('int64', [], Buffer.alloc(8, 1))],
    ['none', new Tensor('bool', [0, 4], Buffer.alloc(0))],
  ]);
  const request = { modelId: 'a/b@1', inputs, outputs: ['y'], deadlineUs: 2 ** 50 };
  const [id, method, params] = travel(writeInferRequest(7, request));
  assert.deepEqual([id, method], [7, 'infer']);
  const read = readInferRequest(params);
  assert.deepEqual([read.modelId, read.outputs, read.deadlineUs], ['a/b@1', ['y'], 2 ** 50]);
  assert.deepEqual([...read.inputs.keys()], [...inputs.keys()]);
  for (const [name, tensor] of inputs) {
    const got = read.inputs.get(name);
    assert.deepEqual([got?.dtype, got?.shape], [tensor.dtype, tensor.shape]);
    assert.deepEqual(Buffer.from(got?.data as Uint8Array), Buffer.from(tensor.data as Uint8Array));
  }
});

test('large tensors lie at a multiple of 8 in the frame, however long the names are', () => {
  for (let length = 1; length <= 16; length++) {
    const tensor = new Tensor('float64', [1_000], new Uint8Array(8_000).fill(length));
    const outputs = new Map(['a', 'b'].map((letter) => [letter.repeat(length), tensor]));
    const [, , result] = travel(writeInferAnswer(1, { outputs, inferenceTimeUs: 5 }));
    for (const { data } of readInferAnswer(result, null).outputs.values()) {
      assert.equal((data as Uint8Array).byteOffset % 8, 0);
      assert.equal((data as Uint8Array)[7_999], length);
    }
  }
});

test('what one message cannot carry is refused before anything is sent', () => {
  const strings = new Tensor('string', [1_000_000], Array<string>(1_000_000).fill(''));
  const request = {
    modelId: 'm',
    inputs: new Map([['x', strings]]),
    outputs: null,
    deadlineUs: null,
  };
  assert.throws(() => writeInferRequest(1, request), { code: 'PAYLOAD_TOO_LARGE' });
});

test('an answer without an output that was asked for breaks the contract', () => {
  const result = { inference_time_us: 1, outputs: [] };
  assert.throws(() => readInferAnswer(result, ['y']), /"y" was asked for and is missing/);
  assert.equal(readInferAnswer(result, null).outputs.size, 0);
});
