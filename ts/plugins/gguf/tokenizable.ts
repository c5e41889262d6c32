import { MlosError } from '../../protocol/errors.ts';
import { checkTextLength } from '../text-length.ts';

/*
 * llama.cpp splits a text by regular expressions of the C++ library, which call themselves for each character of a
 * match: a stretch of some ten thousand letters overflows the stack and ends the process. Which stretches match one
 * expression differs from tokenizer to tokenizer, so that they are bounded for all; what is longer has more tokens
 * than most models read.
 */
const longestStretch = 8_192;
const longestWord = 16_384;

type Kind = 'letter' | 'digit' | 'blank' | 'mark';

const letter = /\p{L}/u;
const digit = /\p{N}/u;
const blank = /\s/u;
/** What ends a word for all of them. */
const ends = new Set('.,!?…。，、।۔،');

function kindOf(character: string): Kind {
  if (letter.test(character)) return 'letter';
  if (digit.test(character)) return 'digit';
  return blank.test(character) ? 'blank' : 'mark';
}

/** Of ASCII, which most texts are of. */
const asciiKinds = Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));

/** Looks at each character once: patterns of bounded repetition would look at most of them thousands of times. */
function hasLongStretch(text: string): boolean {
  let before: Kind | null = null;
  let stretch = 0;
  let word = 0;
  for (const character of text) {
    const kind = asciiKinds[character.charCodeAt(0)] ?? kindOf(character);
    stretch = kind === before ? stretch + 1 : 1;
    word = kind === 'blank' || ends.has(character) ? 0 : word + 1;
    if (stretch > longestStretch || word > longestWord) return true;
    before = kind;
  }
  return false;
}

/** Errors: PAYLOAD_TOO_LARGE; INVALID_VALUE for a text that llama.cpp may not survive. */
export function checkTokenizable(text: string): void {
  checkTextLength(text.length);
  if (text.length <= longestStretch || !hasLongStretch(text)) return;
  throw new MlosError(
    'INVALID_VALUE',
    `The text has a stretch of more than ${longestStretch} letters, digits, blanks or marks in a row, or a word of more than ${longestWord} characters, which GGUF models cannot read.`,
  );
}
