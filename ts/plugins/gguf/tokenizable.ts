import { MlosError } from '../../protocol/errors.ts';

/*
 * llama.cpp splits a text by regular expressions of the C++ library, which call themselves for each character of a
 * match: a stretch of some ten thousand letters overflows the stack and ends the process. Which stretches match one
 * expression differs from tokenizer to tokenizer, so that they are bounded for all; what is longer has more tokens
 * than most models read.
 */
const longestStretch = 8_192;
const longestWord = 16_384;

const stretches = [
  new RegExp(`\\p{L}{${longestStretch + 1}}`, 'u'),
  new RegExp(`\\p{N}{${longestStretch + 1}}`, 'u'),
  new RegExp(`\\s{${longestStretch + 1}}`, 'u'),
  new RegExp(`[^\\s\\p{L}\\p{N}]{${longestStretch + 1}}`, 'u'),
  // Whatever it is of, without a blank or one of the marks that all of them stop at.
  new RegExp(`[^\\s.,!?…。，、।۔،]{${longestWord + 1}}`, 'u'),
];

/** Errors: INVALID_VALUE for a text that llama.cpp may not survive. */
export function checkTokenizable(text: string): void {
  if (text.length <= longestStretch) return;
  if (!stretches.some((stretch) => stretch.test(text))) return;
  throw new MlosError(
    'INVALID_VALUE',
    `The text has a stretch of more than ${longestStretch} letters, digits, blanks or marks in a row, or a word of more than ${longestWord} characters, which GGUF models cannot read.`,
  );
}
