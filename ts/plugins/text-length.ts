import { MlosError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';

/** What the tokenizer is handed at once takes it as long as it is long; longer texts would stop the process. */
export function checkTextLength(length: number): void {
  if (length <= limits.tokenizerTextLength) return;
  throw new MlosError(
    'PAYLOAD_TOO_LARGE',
    `A text has ${length} characters; models read ${limits.tokenizerTextLength} at once. Send it in parts.`,
  );
}

/** Of inputs that go together: a question and a text, a query and each of some documents. */
export function checkInputLengths(inputs: Readonly<Record<string, unknown>>): void {
  const longest = Object.values(inputs).map((value) => {
    if (typeof value === 'string') return value.length;
    return Array.isArray(value) ? Math.max(0, ...value.map(lengthOf)) : 0;
  });
  checkTextLength(longest.reduce((sum, length) => sum + length, 0));
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

/** How many of the next texts the tokenizer is handed together; `beside` comes with each of them. */
export function textsAtOnce(texts: readonly string[], most: number, beside = 0): number {
  let length = 0;
  const tooMany = texts.slice(0, most).findIndex((text) => {
    length += beside + text.length;
    return length > limits.tokenizerTextLength;
  });
  return tooMany < 0 ? most : Math.max(1, tooMany);
}
