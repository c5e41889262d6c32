import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlankCleaner } from './blank-cleaner.ts';

// Guards: a text that comes in pieces is cleaned of the same blanks as the whole one.

/** As the field's tokenizers do it. */
const whole = (text: string) =>
  text
    .replace(/ \./g, '.')
    .replace(/ \?/g, '?')
    .replace(/ !/g, '!')
    .replace(/ ,/g, ',')
    .replace(/ ' /g, "'")
    .replace(/ n't/g, "n't")
    .replace(/ 'm/g, "'m")
    .replace(/ 's/g, "'s")
    .replace(/ 've/g, "'ve")
    .replace(/ 're/g, "'re");

function inPieces(text: string, next: () => number): string {
  const cleaner = new BlankCleaner();
  let said = '';
  for (let at = 0; at < text.length; ) {
    const end = at + next();
    said += cleaner.push(text.slice(at, end));
    at = end;
  }
  return said + cleaner.end();
}

test('pieces of every length give what the whole gives', () => {
  const texts = [
    'do it .',
    "I do n't think that they 've seen it , have you ?",
    "it ' s a cat 's mat ! ' ' .",
    "a  . b '  s ' . n ' t 'r 're 'v",
    'no blanks at all',
    '',
  ];
  for (const text of texts) {
    for (const length of [1, 2, 3, 4, 7, 100]) {
      assert.equal(
        inPieces(text, () => length),
        whole(text),
        `${length}: ${text}`,
      );
    }
  }
  const letters = " .?!,'nmsvrte";
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 5_000; round += 1) {
    const text = Array.from({ length: random(24) }, () => letters[random(letters.length)]).join('');
    assert.equal(
      inPieces(text, () => 1 + random(4)),
      whole(text),
      JSON.stringify(text),
    );
  }
});

test('only what may still change is held back', () => {
  const cleaner = new BlankCleaner();
  assert.deepEqual(
    ['do', ' it', ' ', 'now', " n'", 't', ' .'].map((piece) => cleaner.push(piece)),
    ['do', ' it', '', ' now', '', "n't", '.'],
  );
  assert.equal(cleaner.end(), '');
});
