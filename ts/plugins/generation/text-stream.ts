import { BlankCleaner } from './blank-cleaner.ts';

/*
 * From tokens to text while they come. A character of several tokens is said when it is whole, and what may be
 * the beginning of a stop text when it is none.
 */
export type Decode = ((tokens: readonly number[]) => string) & {
  /** The text of a whole answer is without the blanks that `BlankCleaner` takes out. */
  readonly cleansBlanks?: boolean;
  /** A token as its vocabulary has it. */
  readonly pieceOf?: (token: number) => string | undefined;
};

/** What a tokenizer gives for bytes that are no character (yet). */
const broken = '\ufffd';
/** Tokens of one character at most, with those of joined emoji beside it: then it is broken for good. */
const mostHeld = 16;

/** Tokens in a row that say nothing, and are looked through to the word before them. */
const mostSilent = 64;

/** Tokens before the first one that tell how it begins. */
const contextTokens = 4;

/**
 * Words of some tokenizers begin otherwise at the start of a text: tokens are read with those before them, and
 * what these alone would be is left out.
 */
export function decodeAfter(decode: Decode, before: readonly number[], token: number): string {
  const context = before.slice(-contextTokens);
  return decode([...context, token]).slice(decode(context).length);
}

class Detokenizer {
  readonly #decode: Decode;
  readonly #tokens: number[];
  #said: number;
  #context = 0;

  constructor(decode: Decode, before: readonly number[]) {
    this.#decode = decode;
    this.#tokens = before.slice(-contextTokens);
    this.#said = this.#tokens.length;
  }

  push(token: number): string {
    this.#tokens.push(token);
    return this.#next(this.#tokens.length - this.#said > mostHeld);
  }

  end(): string {
    return this.#said === this.#tokens.length ? '' : this.#next(true);
  }

  #next(whatever: boolean): string {
    const before = this.#decode(this.#tokens.slice(this.#context, this.#said));
    const now = this.#decode(this.#tokens.slice(this.#context));
    if (!whatever && now.endsWith(broken)) return '';
    const text = now.slice(before.length);
    // Tokens that say nothing do not tell how the next one begins; those before them do.
    if (text !== '' || this.#said - this.#context > mostSilent) this.#context = this.#said;
    this.#said = this.#tokens.length;
    return text;
  }
}

export class TextStream {
  readonly #detokenizer: Detokenizer;
  readonly #cleaner: BlankCleaner | null;
  readonly #stops: readonly string[];
  #held = '';
  #text = '';
  #stopped = false;

  /** `before`: the tokens that the text goes on from. */
  constructor(decode: Decode, before: readonly number[], stops: readonly string[]) {
    this.#detokenizer = new Detokenizer(decode, before);
    this.#cleaner = decode.cleansBlanks === true ? new BlankCleaner() : null;
    this.#stops = stops;
  }

  /** All that was said. */
  get text(): string {
    return this.#text;
  }

  /** A stop text came; it and what follows is not said. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** What can be said now. */
  push(token: number): string {
    const text = this.#detokenizer.push(token);
    return this.#take(this.#cleaner?.push(text) ?? text, false);
  }

  /** The rest. */
  end(): string {
    const text = this.#detokenizer.end();
    const cleaner = this.#cleaner;
    return this.#take(cleaner === null ? text : cleaner.push(text) + cleaner.end(), true);
  }

  #take(more: string, isLast: boolean): string {
    if (this.#stopped) return '';
    const text = this.#held + more;
    const stop = this.#firstStop(text);
    const end = stop ?? (isLast ? text.length : text.length - this.#maybeStop(text));
    this.#stopped = stop !== null;
    this.#held = this.#stopped ? '' : text.slice(end);
    const said = text.slice(0, end);
    this.#text += said;
    return said;
  }

  #firstStop(text: string): number | null {
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    return found.length === 0 ? null : Math.min(...found);
  }

  /** How much of the end may be the beginning of a stop text. */
  #maybeStop(text: string): number {
    let most = 0;
    for (const stop of this.#stops) {
      let length = Math.min(stop.length - 1, text.length);
      while (length > most && !text.endsWith(stop.slice(0, length))) length -= 1;
      most = Math.max(most, length);
    }
    return most;
  }
}
