import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Crc32c } from './crc32c.ts';

test('the check value of the standard, whole and in pieces', () => {
  const text = Buffer.from('123456789');
  assert.equal(new Crc32c().update(text).digest('hex'), 'e3069283');
  const pieces = new Crc32c().update(text.subarray(0, 4)).update(text.subarray(4));
  assert.equal(pieces.digest('hex'), 'e3069283');
  assert.equal(new Crc32c().digest('hex'), '00000000');
});
