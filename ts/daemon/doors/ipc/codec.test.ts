import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MlosError } from '../../../protocol/errors.ts';
import { frame } from '../../../protocol/frame.ts';
import { decodeMsgpack, encodeMsgpack } from '../../../protocol/msgpack.ts';
import { Tensor } from '../../../protocol/tensor.ts';
import { decodeRequest, encodeError, ResultEncoder } from './codec.ts';

// Guards: docs/ipc.md shows what really goes over the socket.

const encoder = new ResultEncoder();
const root = new URL('../../../../', import.meta.url);
const text = readFileSync(new URL('docs/ipc.md', root), 'utf8');

/** The bytes of the fenced block after the comment `<!-- example: name -->`. */
function example(name: string): Buffer {
  const block = new RegExp(`<!-- example: ${name} -->\\s+\`\`\`text\\n([^\`]+)\`\`\``).exec(
    text,
  )?.[1];
  assert.ok(block !== undefined, `docs/ipc.md has no example ${name}`);
  const hex = block.split('\n').map((line) => /^((?:[0-9a-f]{2} ?)+)/.exec(line)?.[1] ?? '');
  return Buffer.from(hex.join('').replaceAll(' ', ''), 'hex');
}

const tensor = new Tensor('int64', [1, 2], new Uint8Array(BigInt64Array.from([2n, 4n]).buffer));

test('the documented requests are read as documented', () => {
  const health = example('request');
  assert.deepEqual(health, frame(encodeMsgpack([1, 'health.live'])));
  assert.deepEqual(decodeRequest(health.subarray(4)), {
    ...{ id: 1, method: 'health.live', params: {} },
    wantsEvents: false,
  });
  const asked = decodeRequest(encodeMsgpack([1, 'health.live', {}, 'events']));
  assert.equal(asked.wantsEvents, true);
  assert.throws(() => decodeRequest(encodeMsgpack([1, 'health.live', {}, 1])), {
    code: 'INVALID_FRAME',
    message: /three parts, or "events"/,
  });
  const infer = decodeRequest(example('inference').subarray(4));
  assert.equal(infer.method, 'models.infer');
  const { data, ...facts } = (infer.params as { inputs: { x: { data: Buffer } } }).inputs.x;
  assert.deepEqual(facts, { dtype: 'int64', shape: [1, 2] });
  assert.deepEqual(data.toString('hex'), '01000000000000000200000000000000');
});

test('the documented answers are what the codec writes', () => {
  const result = encoder.encode(1, { live: true });
  assert.equal(Buffer.concat(result).toString('hex'), example('answer').toString('hex'));
  const outputs = Buffer.concat(encoder.encode(2, { outputs: { y: tensor } }));
  assert.equal(outputs.toString('hex'), example('tensor').toString('hex'));
  const error = new MlosError('UNKNOWN_METHOD', 'There is no method "x".');
  const written = Buffer.concat(encodeError(3, error));
  assert.equal(written.toString('hex'), example('error').toString('hex'));
});

test('texts stay a list, what is no tensor stays as it is', () => {
  const words = new Tensor('string', [2], ['a', 'b']);
  const [payload] = encoder.encode(1, { outputs: { words, note: 'x' }, outcome: 1 });
  assert.deepEqual(decodeMsgpack(payload?.subarray(4) ?? Buffer.alloc(0)), [
    1,
    null,
    { outputs: { words: ['a', 'b'], note: 'x' }, outcome: 1 },
  ]);
});

test('a large answer is two buffers that make one frame', () => {
  const big = new Tensor('uint8', [100_000], new Uint8Array(100_000));
  const buffers = encoder.encode(1, { outputs: { big } });
  assert.equal(buffers.length, 2);
  const whole = Buffer.concat(buffers);
  assert.equal(whole.readUInt32BE(0), whole.length - 4);
});

test('a frozen result, kept as bytes, gives the frame that packing gives', () => {
  const result = Object.freeze({ status: 'healthy', apis: ['http'], timestamp: 1 });
  for (const id of [0, 127, 128, 2 ** 40, 'a', 'x'.repeat(64)]) {
    for (const time of ['first', 'again']) {
      const [kept] = encoder.encode(id, result);
      assert.deepEqual(kept, frame(encodeMsgpack([id, null, { ...result }])), `${id} ${time}`);
    }
  }
});
