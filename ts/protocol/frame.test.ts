import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, frame } from './frame.ts';

function reader(maxBytes = 1000) {
  const got: string[] = [];
  const frames = new FrameReader({ maxBytes, onFrame: (payload) => got.push(payload.toString()) });
  return { got, frames };
}

test('frames come out whole however the stream is cut', () => {
  const stream = Buffer.concat(
    ['a', 'bc', 'x'.repeat(999)].map((text) => frame(Buffer.from(text))),
  );
  for (const size of [1, 2, 3, 5, 7, 64, stream.length]) {
    const { got, frames } = reader();
    for (let at = 0; at < stream.length; at += size) frames.push(stream.subarray(at, at + size));
    assert.deepEqual(got, ['a', 'bc', 'x'.repeat(999)], `pieces of ${size}`);
    assert.equal(frames.partial, false);
  }
});

test('a cut frame is known as partial', () => {
  const { frames } = reader();
  frames.push(Buffer.from([0, 0, 0]));
  assert.equal(frames.partial, true);
  frames.push(Buffer.from([2, 1]));
  assert.equal(frames.partial, true);
});

test('length: the limit passes, one past it and zero are refused', () => {
  const { got, frames } = reader(4);
  frames.push(frame(Buffer.from('1234')));
  assert.deepEqual(got, ['1234']);
  assert.throws(() => frames.push(Buffer.from([0, 0, 0, 5])), { code: 'PAYLOAD_TOO_LARGE' });
  assert.throws(() => reader().frames.push(Buffer.from([0, 0, 0, 0])), { code: 'INVALID_FRAME' });
});
