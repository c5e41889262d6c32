import { inside, isMark, type Line, readPython, splitAtCommas, type Token } from './python-text.ts';

export interface PythonFunction {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly defaults: ReadonlyMap<string, readonly Token[]>;
  readonly body: readonly Line[];
}

/** A name that stands for tokens: `name = …`. Bound twice it stands for nothing certain: null. */
export type Bindings = ReadonlyMap<string, readonly Token[] | null>;

export interface Imported {
  readonly module: string;
  readonly name: string;
}

/** What a module says at its top level. */
export class PythonModule {
  readonly functions = new Map<string, PythonFunction>();
  readonly imports = new Map<string, Imported>();
  readonly bindings: Bindings;

  constructor(text: string) {
    const lines = readPython(text);
    const top: Line[] = [];
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at];
      if (line === undefined || line.indent > 0) continue;
      top.push(line);
      const body = bodyAfter(lines, at);
      this.#readFunction(line, body);
      this.#readImport(line);
    }
    this.bindings = bindingsOf(top);
  }

  /** What torch.hub would list: functions of the module and imported ones, none that begins with `_`. */
  get entrypoints(): readonly string[] {
    return [...this.functions.keys(), ...this.imports.keys()].filter(
      (name) => !name.startsWith('_'),
    );
  }

  #readFunction({ tokens }: Line, body: readonly Line[]): void {
    const [def, name, open] = tokens;
    if (def?.value !== 'def' || name?.kind !== 'name' || !isMark(open, '(')) return;
    const list = splitAtCommas(inside(tokens, 2));
    const defaults = new Map<string, readonly Token[]>();
    const parameters = list.flatMap(([first, ...rest]) => {
      if (first?.kind !== 'name') return [];
      const equals = rest.findIndex((token) => isMark(token, '='));
      if (equals >= 0) defaults.set(first.value, rest.slice(equals + 1));
      return [first.value];
    });
    this.functions.set(name.value, { name: name.value, parameters, defaults, body });
  }

  /** `from a.b import c, d as e`; of the plain `import` nothing is an entrypoint. */
  #readImport({ tokens }: Line): void {
    const at = tokens.findIndex((token) => token.kind === 'name' && token.value === 'import');
    if (tokens[0]?.value !== 'from' || at < 2) return;
    const module = tokens
      .slice(1, at)
      .map((token) => token.value)
      .join('');
    const list = tokens.slice(at + 1).filter((token) => !/^[()]$/.test(token.value));
    for (const part of splitAtCommas(list)) {
      const [name, as, alias] = part;
      if (name?.kind !== 'name') continue;
      const local = as?.value === 'as' && alias !== undefined ? alias.value : name.value;
      this.imports.set(local, { module, name: name.value });
    }
  }
}

function bodyAfter(lines: readonly Line[], at: number): readonly Line[] {
  let end = at + 1;
  while (end < lines.length && (lines[end]?.indent ?? 0) > 0) end += 1;
  const own = lines[at]?.tokens ?? [];
  const colon = own.findLastIndex((token) => isMark(token, ':'));
  const sameLine = { indent: 1, tokens: own.slice(colon + 1) };
  return [
    ...(colon >= 0 && sameLine.tokens.length > 0 ? [sameLine] : []),
    ...lines.slice(at + 1, end),
  ];
}

export function bindingsOf(lines: readonly Line[]): Bindings {
  const found = new Map<string, readonly Token[] | null>();
  for (const { tokens } of lines) {
    const [name] = tokens;
    if (name?.kind !== 'name') continue;
    // `x: str = …` is an assignment too.
    const equals = isMark(tokens[1], ':')
      ? tokens.findIndex((token) => isMark(token, '='))
      : isMark(tokens[1], '=')
        ? 1
        : -1;
    if (equals < 0 || isMark(tokens[equals + 1], '=')) continue;
    found.set(name.value, found.has(name.value) ? null : tokens.slice(equals + 1));
  }
  return found;
}
