import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partOfCharacter } from './part-of-character.ts';

/** Vocabularies that are whole pieces; what is no whole text decodes as libraries do. */
const decoderOf = (
  pieces: Readonly<Record<number, string>>,
  texts: Readonly<Record<number, string>>,
) =>
  Object.assign(
    (tokens: readonly number[]) => tokens.map((one) => texts[one] ?? '\ufffd').join(''),
    {
      pieceOf: (token: number) => pieces[token],
    },
  );

test('bytes of tokens that are parts of characters, in both ways of writing them', () => {
  const spelled = decoderOf({ 0: '<0xE2>', 1: 'é', 2: '\u2581a' }, { 1: 'é', 2: ' a' });
  assert.deepEqual(
    [0, 1, 2].map((token) => partOfCharacter(spelled, token)),
    [[0xe2], null, null],
  );
  // GPT-2's: 0xE2 0x80 is `âĢ`, 0xA0 is `ł`, a blank is `Ġ`.
  const mapped = decoderOf({ 0: 'âĢ', 1: 'Ġłx', 2: 'ĠÃ©' }, { 2: ' é' });
  assert.deepEqual(
    [0, 1, 2].map((token) => partOfCharacter(mapped, token)),
    [[0xe2, 0x80], [0x20, 0xa0, 0x78], null],
  );
  const unknown = decoderOf({ 0: '字' }, {});
  assert.deepEqual([partOfCharacter(unknown, 0), partOfCharacter(unknown, 9)], [null, null]);
});
