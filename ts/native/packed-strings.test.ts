import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packedByteLength, packStrings, unpackStrings } from './packed-strings.ts';

test('strings come back as they were', () => {
  for (const list of [[], [''], ['a', '', 'ä€𝄞', '\u0000', 'x'.repeat(5_000)]]) {
    const bytes = packStrings(list);
    assert.equal(bytes.byteLength, packedByteLength(list));
    assert.deepEqual(unpackStrings(bytes, list.length), list);
  }
  // In the midst of a buffer, as in an arena.
  const framed = new Uint8Array([9, 9, 9, ...packStrings(['ab', 'c'])]);
  assert.deepEqual(unpackStrings(framed.subarray(3), 2), ['ab', 'c']);
});

test('lengths that do not fill the bytes exactly are refused', () => {
  const packed = packStrings(['ab', 'c']);
  const longer = Uint8Array.from([...packed, 0]);
  const huge = Uint8Array.from(packed).fill(0xff, 0, 4);
  const cases: [Uint8Array, number][] = [
    [packed.subarray(0, -1), 2],
    [longer, 2],
    [huge, 2],
    [packed, 1],
    [packed, 3],
    [packed, 1_000_000_000],
    [new Uint8Array(0), 1],
  ];
  for (const [bytes, count] of cases) {
    assert.throws(() => unpackStrings(bytes, count), { code: 'INVALID_VALUE' });
  }
});
