import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packagedConstraints } from './constraints.ts';

/** The tokens of 0 to 9 that may come next. */
function allowed(packaged: object, seen: readonly number[], promptLength = 1): number[] {
  const logits = new Float32Array(10);
  for (const constrain of packagedConstraints({ ...packaged }, promptLength)) {
    constrain(logits, seen);
  }
  return [...logits.keys()].filter((token) => logits[token] === 0);
}

const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const without = (...tokens: number[]) => all.filter((token) => !tokens.includes(token));

test('a package that says nothing forbids nothing', () => {
  assert.deepEqual(allowed({}, [1, 2]), all);
  assert.deepEqual(allowed({ suppress_tokens: null, bad_words_ids: null }, [1]), all);
});

test('tokens are forbidden always, or as the first one', () => {
  assert.deepEqual(allowed({ suppress_tokens: [3, -1, 99] }, [1, 2, 3]), without(3));
  assert.deepEqual(allowed({ begin_suppress_tokens: [4] }, [1, 2], 2), without(4));
  assert.deepEqual(allowed({ begin_suppress_tokens: [4] }, [1, 2, 3], 2), all);
});

test('no run of tokens is written twice', () => {
  const twice = { no_repeat_ngram_size: 2 };
  assert.deepEqual(allowed(twice, [5]), all);
  assert.deepEqual(allowed(twice, [5, 6, 7, 5]), without(6));
  assert.deepEqual(allowed(twice, [5, 6, 5, 7, 5]), without(6, 7));
  assert.deepEqual(allowed({ no_repeat_ngram_size: 3 }, [5, 6, 7, 5, 6]), without(7));
  assert.deepEqual(allowed({ no_repeat_ngram_size: 1 }, [5, 6]), without(5, 6));
});

test('rows of tokens are not finished', () => {
  const bad = { bad_words_ids: [[8], [1, 2, 3]] };
  assert.deepEqual(allowed(bad, [1, 2]), without(8, 3));
  assert.deepEqual(allowed(bad, [2, 1]), without(8));
});
