import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCount } from './format.ts';

test('one is one of a kind, all other numbers are many', () => {
  assert.deepEqual(
    [0, 1, 2, 21].map((count) => formatCount(count, 'old download')),
    ['0 old downloads', '1 old download', '2 old downloads', '21 old downloads'],
  );
});
