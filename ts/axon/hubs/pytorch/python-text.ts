/*
 * Python read as text: enough of its grammar to see functions, assignments and calls. Nothing is ever
 * run, and what is not understood is left alone.
 */
export interface Token {
  readonly kind: 'name' | 'text' | 'other';
  /** Of `text` the characters that it means; an f-string is `other`, as only running it would tell. */
  readonly value: string;
}

/** A logical line: what stands between two line ends outside of brackets. */
export interface Line {
  readonly indent: number;
  readonly tokens: readonly Token[];
}

const tokenPattern =
  /#[^\n]*|\\\r?\n|\r?\n|[ \t\f]+|([A-Za-z]{0,2})("""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*')|[A-Za-z_]\w*|\d[\w.]*|[\s\S]/y;

export function readPython(text: string): Line[] {
  const reader = new LineReader();
  tokenPattern.lastIndex = 0;
  for (let match = tokenPattern.exec(text); match !== null; match = tokenPattern.exec(text))
    reader.take(match);
  reader.endLine();
  return reader.lines;
}

class LineReader {
  readonly lines: Line[] = [];
  #tokens: Token[] = [];
  #depth = 0;
  #indent = 0;

  take([raw, prefix = '', quoted]: RegExpExecArray): void {
    if (raw === '\n' || raw === '\r\n') {
      if (this.#depth === 0) this.endLine();
    } else if (/^[ \t\f]/.test(raw)) {
      if (this.#tokens.length === 0) this.#indent = raw.length;
    } else if (!/^[#\\]/.test(raw)) {
      this.#depth = Math.max(0, this.#depth + nesting(raw));
      this.#tokens.push(tokenOf(raw, prefix, quoted));
    }
  }

  endLine(): void {
    if (this.#tokens.length > 0) this.lines.push({ indent: this.#indent, tokens: this.#tokens });
    this.#tokens = [];
    this.#indent = 0;
  }
}

/** 1 for a bracket that opens, -1 for one that closes. */
function nesting(raw: string): number {
  return '([{'.includes(raw) ? 1 : ')]}'.includes(raw) ? -1 : 0;
}

const nestingOf = ({ kind, value }: Token) => (kind === 'other' ? nesting(value) : 0);

function tokenOf(raw: string, prefix: string, quoted: string | undefined): Token {
  if (quoted === undefined) return { kind: /^[A-Za-z_]/.test(raw) ? 'name' : 'other', value: raw };
  if (/[fb]/i.test(prefix)) return { kind: 'other', value: raw };
  const ends = /^("""|''')/.test(quoted) ? 3 : 1;
  const inner = quoted.slice(ends, -ends);
  // Escapes do not occur in addresses; text with one is taken as it stands.
  return { kind: 'text', value: inner };
}

export function isMark(token: Token | undefined, value: string): boolean {
  return token?.kind === 'other' && token.value === value;
}

/** Cuts tokens at commas outside of brackets. */
export function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += nestingOf(token);
    if (depth === 0 && isMark(token, ',')) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

/** The tokens between the bracket at `open` and the one that closes it. */
export function inside(tokens: readonly Token[], open: number): readonly Token[] {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (at < open) continue;
    depth += nestingOf(token);
    if (depth === 0) return tokens.slice(open + 1, at);
  }
  return tokens.slice(open + 1);
}
