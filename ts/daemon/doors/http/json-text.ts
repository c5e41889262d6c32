/**
 * What JSON.parse does not give: how deep a text nests, and where exactly it stops being JSON.
 * Both walk bytes with an explicit stack, so that no text can overflow ours.
 */
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The offset just after the string that begins at `start`, or the end where it never closes. */
function afterString(bytes: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    const end = bytes.indexOf(quote, at);
    if (end < 0) return bytes.length;
    let escapes = 0;
    while (bytes[end - 1 - escapes] === backslash) escapes++;
    if (escapes % 2 === 0) return end + 1;
    at = end + 1;
  }
}

/** True where fewer than `limit` brackets open at all: the usual body, decided without a byte loop. */
function hasFewBrackets(bytes: Buffer, limit: number): boolean {
  let count = 0;
  for (const bracket of [openBracket, openBrace]) {
    for (let at = bytes.indexOf(bracket); at >= 0; at = bytes.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return false;
    }
  }
  return true;
}

/** The offset of the bracket that nests deeper than `limit`, or null. */
export function tooDeepAt(bytes: Buffer, limit: number): number | null {
  if (hasFewBrackets(bytes, limit)) return null;
  let depth = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) {
      at = afterString(bytes, at);
      continue;
    }
    if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth > limit) return at;
    } else if (byte === closeBracket || byte === closeBrace) {
      depth -= 1;
    }
    at += 1;
  }
  return null;
}

const scalar = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const longestScalar = 512;

type Expect = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end';

/** Walks tokens; each step says what may come next. */
class Walker {
  readonly #bytes: Buffer;
  readonly #open: number[] = [];
  #expect: Expect = 'value';
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The offset of the first byte that cannot stand where it stands; the length where text is missing. */
  errorAt(): number {
    for (;;) {
      while (isSpace(this.#bytes[this.#at])) this.#at += 1;
      if (this.#at >= this.#bytes.length) return this.#bytes.length;
      const next = this.#step(this.#bytes[this.#at] ?? 0);
      if (next === null) return this.#at;
      this.#at = next;
    }
  }

  /** The offset after the token, or null where it may not stand here. */
  #step(byte: number): number | null {
    if (this.#expect === 'colon') return this.#take(byte === colon, 'value');
    if (byte === closeBracket || byte === closeBrace) return this.#close(byte);
    if (this.#expect === 'comma or end') {
      const inMap = this.#open[this.#open.length - 1] === openBrace;
      return this.#take(byte === comma && this.#open.length > 0, inMap ? 'key' : 'value');
    }
    if (this.#expect === 'key' || this.#expect === 'key or }') {
      return byte === quote ? this.#string('colon') : null;
    }
    return this.#value(byte);
  }

  #value(byte: number): number | null {
    if (byte === quote) return this.#string('comma or end');
    if (byte === openBracket || byte === openBrace) {
      this.#open.push(byte);
      return this.#take(true, byte === openBrace ? 'key or }' : 'value or ]');
    }
    let end = this.#at;
    while (end < this.#bytes.length && !endsScalar(this.#bytes[end])) end += 1;
    if (end - this.#at > longestScalar) return null;
    if (!scalar.test(this.#bytes.toString('latin1', this.#at, end))) return null;
    this.#expect = 'comma or end';
    return end;
  }

  #string(then: Expect): number | null {
    const end = afterString(this.#bytes, this.#at);
    try {
      JSON.parse(this.#bytes.toString('utf8', this.#at, end));
    } catch {
      return null;
    }
    this.#expect = then;
    return end;
  }

  #close(byte: number): number | null {
    const opener = byte === closeBracket ? openBracket : openBrace;
    const empty = byte === closeBracket ? 'value or ]' : 'key or }';
    const fits = this.#expect === 'comma or end' || this.#expect === empty;
    if (!fits || this.#open.pop() !== opener) return null;
    return this.#take(true, 'comma or end');
  }

  #take(fits: boolean, then: Expect): number | null {
    if (!fits) return null;
    this.#expect = then;
    return this.#at + 1;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function endsScalar(byte: number | undefined): boolean {
  return (
    isSpace(byte) ||
    byte === comma ||
    byte === closeBracket ||
    byte === closeBrace ||
    byte === colon ||
    byte === quote
  );
}

/** Where a text that JSON.parse refused goes wrong, in bytes from its beginning. */
export function jsonErrorAt(bytes: Buffer): number {
  return new Walker(bytes).errorAt();
}
