import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.ts';

test('every binary16 pattern survives the way to a number and back', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromFloat16(bits);
    if (Number.isNaN(value)) continue;
    assert.equal(toFloat16(value), bits, `0x${bits.toString(16)} → ${value}`);
  }
});

test('every bfloat16 pattern survives the way to a number and back', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromBfloat16(bits);
    if (Number.isNaN(value)) continue;
    assert.equal(toBfloat16(value), bits, `0x${bits.toString(16)} → ${value}`);
  }
});

// Values of IEEE 754-2019, table 3.5, and ties between neighbours.
test('binary16 rounds to nearest, ties to even', () => {
  assert.equal(toFloat16(1), 0x3c00);
  assert.equal(toFloat16(65504), 0x7bff);
  assert.equal(toFloat16(65519.99), 0x7bff);
  assert.equal(toFloat16(65520), 0x7c00);
  assert.equal(toFloat16(1 + 2 ** -11), 0x3c00, 'tie goes to even below');
  assert.equal(toFloat16(1 + 3 * 2 ** -11), 0x3c02, 'tie goes to even above');
  assert.equal(toFloat16(2 ** -24), 0x0001, 'smallest subnormal');
  assert.equal(toFloat16(2 ** -25), 0x0000, 'half of it ties to zero');
  assert.equal(toFloat16(-0), 0x8000);
  assert.ok(Number.isNaN(fromFloat16(toFloat16(Number.NaN))));
});

test('bfloat16 rounds to nearest, ties to even', () => {
  assert.equal(toBfloat16(1), 0x3f80);
  assert.equal(toBfloat16(1 + 2 ** -8), 0x3f80);
  assert.equal(toBfloat16(1 + 3 * 2 ** -8), 0x3f82);
  assert.equal(toBfloat16(Number.POSITIVE_INFINITY), 0x7f80);
  assert.ok(Number.isNaN(fromBfloat16(toBfloat16(Number.NaN))));
});
