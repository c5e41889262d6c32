import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from './bounded-run.ts';

test('what ends in time is answered, what it throws is thrown', () => {
  assert.deepEqual(
    within(1_000, () => 7),
    { value: 7 },
  );
  assert.throws(() => within(1_000, () => JSON.parse('{')), SyntaxError);
});

test('what does not end is ended, and the next one runs', () => {
  let turns = 0;
  const endless = () => {
    for (;;) turns += 1;
  };
  assert.equal(within(50, endless), null);
  assert.ok(turns > 0);
  assert.deepEqual(
    within(1_000, () => 'next'),
    { value: 'next' },
  );
});
