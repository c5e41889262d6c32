import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FrameBudget, FrameReader, frame } from './frame.ts';

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

/** A budget of `left` bytes. */
function budgetOf(left: number): FrameBudget & { readonly left: number } {
  let rest = left;
  return {
    get left() {
      return rest;
    },
    take(bytes) {
      if (bytes > rest) return false;
      rest -= bytes;
      return true;
    },
    give(bytes) {
      rest += bytes;
    },
  };
}

test('a budget: unfinished bytes count until the frame is whole, whole frames never do', () => {
  const budget = budgetOf(5);
  const got: string[] = [];
  const onFrame = (payload: Buffer) => got.push(`${payload} with ${budget.left} left`);
  const frames = new FrameReader({ maxBytes: 100, budget, onFrame });
  frames.push(Buffer.concat([frame(Buffer.from('a long one')), frame(Buffer.from('another one'))]));
  frames.push(Buffer.from([0, 0, 0]));
  assert.equal(budget.left, 2);
  frames.push(Buffer.from([6]));
  assert.equal(budget.left, 5);
  for (const byte of 'abcdef') frames.push(Buffer.from(byte));
  assert.deepEqual(got, [
    'a long one with 5 left',
    'another one with 5 left',
    'abcdef with 5 left',
  ]);
  assert.equal(frames.partial, false);
});

test('a budget is shared: one byte past it is refused, and what was held is given back', () => {
  const budget = budgetOf(5);
  const make = () => new FrameReader({ maxBytes: 100, budget, onFrame: () => assert.fail() });
  const [first, second] = [make(), make()];
  const start = frame(Buffer.alloc(50)).subarray(0, 4);
  first.push(Buffer.concat([start, Buffer.from('abc')]));
  second.push(Buffer.concat([start, Buffer.from('de')]));
  assert.equal(budget.left, 0);
  assert.throws(() => second.push(Buffer.from('f')), { code: 'TOO_MANY_REQUESTS' });
  assert.equal(budget.left, 2);
  first.drop();
  first.drop();
  assert.equal(budget.left, 5);
  first.push(Buffer.concat([start, Buffer.from('abc')]));
  assert.deepEqual([budget.left, first.partial], [5, false], 'it reads no more');
});

test('a reader dropped by its own frame leaves the rest of what arrived', () => {
  const budget = budgetOf(5);
  let count = 0;
  const frames: FrameReader = new FrameReader({
    maxBytes: 100,
    budget,
    onFrame: () => {
      count++;
      frames.drop();
    },
  });
  const one = frame(Buffer.from('a'));
  frames.push(Buffer.concat([one, one, one.subarray(0, 3)]));
  assert.deepEqual([count, budget.left, frames.partial], [1, 5, false]);
});
