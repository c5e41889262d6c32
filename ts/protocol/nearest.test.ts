import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, findNearest, nearest, nearestBudget } from './nearest.ts';

/** The textbook's full table. */
function levenshtein(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The first candidate of the least distance among those that are near enough. */
function nearestByTable(typed: string, candidates: readonly string[]): string | null {
  const ranked = candidates
    .map((name) => ({ name, far: levenshtein(typed.slice(0, 100), name.slice(0, 100)) }))
    .filter(({ name, far }) => far <= Math.max(2, Math.ceil(Math.min(name.length, 100) / 2)))
    .sort((a, b) => a.far - b.far);
  return ranked[0]?.name ?? null;
}

/** The same numbers at every run. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('typing errors find their word, and strangers none', () => {
  const words = ['path', 'model_id', 'execution_format', 'load'];
  assert.equal(nearest('modelid', words), 'model_id');
  assert.equal(nearest('excution_fromat', words), 'execution_format');
  assert.equal(nearest('laod', words), 'load');
  assert.equal(nearest('path', words), 'path');
  assert.equal(nearest('', ['ab', 'a']), 'a');
  assert.equal(nearest('zzzzzzzz', words), null);
  assert.equal(nearest('x', []), null);
  assert.equal(didYouMean('laod', words), ' Did you mean "load"?');
  assert.equal(didYouMean('zzzzzzzz', words), '');
});

test('the answers are those of the full table', () => {
  const random = makeRandom(7);
  const word = (longest: number, letters: string) =>
    Array.from({ length: random(longest + 1) }, () => letters[random(letters.length)]).join('');
  for (let i = 0; i < 3_000; i++) {
    const longest = [4, 12, 40, 130][i % 4] ?? 4;
    const letters = i % 3 === 0 ? 'ab' : 'abcdefgh-/';
    const stem = i % 2 === 0 ? word(20, letters) : '';
    const names = Array.from({ length: 1 + random(12) }, () => stem + word(longest, letters));
    const typed = stem + word(longest, letters);
    assert.equal(
      nearest(typed, names),
      nearestByTable(typed, names),
      JSON.stringify([typed, names]),
    );
  }
});

test('names without end cost a bounded number of steps, and still give a hint', () => {
  const long = 'some-organisation/some-long-name-of-a-model-as-they-are-on-the-hubs';
  const families = {
    'one family': (i: number) => `hf/${long}-${i}@latest`,
    'nothing in common': (i: number) => String(i).padStart(6, '0').repeat(12),
    'cut at the limit': (i: number) => `${i}`.padEnd(300, 'y'),
  };
  // What one more candidate may cost when the budget is as good as used up.
  const last = 100 * 100 + 300;
  for (const [family, nameOf] of Object.entries(families)) {
    let taken = 0;
    function* names(): Generator<string> {
      for (;;) yield nameOf(taken++);
    }
    const { steps } = findNearest(`hf/${long}-x1`, names());
    assert.ok(steps <= nearestBudget + last, `${family}: ${steps} steps`);
    assert.ok(taken < nearestBudget, `${family}: ${taken} candidates were taken`);
  }
  const many = Array.from({ length: 100_000 }, (_, i) => families['one family'](i));
  assert.match(nearest(`hf/${long}-x1`, many) ?? '', /^hf\/some-organisation/);
  // A slip is found among thousands that have nothing to do with it.
  const strangers = Array.from({ length: 3_000 }, (_, i) => families['nothing in common'](i));
  assert.equal(nearest(`hf/${long}-77@lateest`, [...strangers, ...many]), many[77]);
});

test('names of another length are passed over, and a match ends the search', () => {
  const typed = 'onnx';
  const others = Array.from({ length: 1_000 }, (_, i) => 'x'.repeat(50 + (i % 40)));
  assert.ok(findNearest(typed, ['onnz', ...others]).steps < 3_200);
  assert.ok(findNearest(typed, ['onnx', ...others]).steps < 20);
  assert.equal(findNearest('abc', ['abd', 'abc'], 2).name, 'abd', 'the budget is used up by one');
});
