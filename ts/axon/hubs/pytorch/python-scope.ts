import {
  type Bindings,
  bindingsOf,
  type PythonFunction,
  type PythonModule,
} from './python-module.ts';
import { inside, isMark, splitAtCommas, type Token } from './python-text.ts';

/** What parameters were given: null where only running the code would tell. */
export type Values = ReadonlyMap<string, string | null>;

const maxDepth = 8;

/** The names that a function sees, and what texts its expressions mean. */
export class PythonScope {
  readonly #module: PythonModule;
  readonly #fn: PythonFunction;
  readonly #given: Values;
  readonly #local: Bindings;

  constructor(module: PythonModule, fn: PythonFunction, given: Values) {
    this.#module = module;
    this.#fn = fn;
    this.#given = given;
    this.#local = bindingsOf(fn.body);
  }

  /** The text that the expression means, or null where running it would be needed. */
  textOf(tokens: readonly Token[], depth = 0): string | null {
    if (depth > maxDepth || tokens.length === 0) return null;
    const terms = splitAtPlus(tokens);
    if (terms.length > 1) {
      const parts = terms.map((term) => this.textOf(term, depth + 1));
      return parts.includes(null) ? null : parts.join('');
    }
    // Literals side by side are one text.
    if (tokens.every((token) => token.kind === 'text'))
      return tokens.map((token) => token.value).join('');
    if (isMark(tokens[0], '(')) return this.textOf(inside(tokens, 0), depth + 1);
    return this.#named(tokens, depth);
  }

  /** The texts that a call hands to a function's parameters. */
  bind(fn: PythonFunction, args: readonly Token[][]): Values {
    const values = new Map<string, string | null>();
    args.forEach((arg, position) => {
      const isNamed = arg[0]?.kind === 'name' && isMark(arg[1], '=');
      const name = isNamed ? arg[0]?.value : fn.parameters[position];
      if (name !== undefined) values.set(name, this.textOf(isNamed ? arg.slice(2) : arg));
    });
    return values;
  }

  /** `name` or `name[key]`. */
  #named(tokens: readonly Token[], depth: number): string | null {
    const [name, open] = tokens;
    const bound = name?.kind === 'name' ? this.#lookUp(name.value) : null;
    if (bound === null) return null;
    if (tokens.length === 1) return this.textOf(bound, depth + 1);
    const key = isMark(open, '[') ? this.textOf(inside(tokens, 1), depth + 1) : null;
    const item = key === null ? undefined : dictItem(bound, key);
    return item === undefined ? null : this.textOf(item, depth + 1);
  }

  #lookUp(name: string): readonly Token[] | null {
    if (this.#local.has(name)) return this.#local.get(name) ?? null;
    const value = this.#given.get(name);
    if (value !== undefined) return value === null ? null : [{ kind: 'text', value }];
    if (this.#fn.parameters.includes(name)) return this.#fn.defaults.get(name) ?? null;
    return this.#module.bindings.get(name) ?? null;
  }
}

function splitAtPlus(tokens: readonly Token[]): Token[][] {
  const isSum = tokens.some((token) => isMark(token, '+'));
  if (!isSum || tokens.some((token) => isMark(token, ','))) return [[...tokens]];
  return splitAtCommas(
    tokens.map((token): Token => (isMark(token, '+') ? { kind: 'other', value: ',' } : token)),
  );
}

/** The value of a key in `{'key': …}` or `dict(key=…)`. */
function dictItem(tokens: readonly Token[], key: string): readonly Token[] | undefined {
  const isCall = tokens[0]?.value === 'dict' && isMark(tokens[1], '(');
  if (!isCall && !isMark(tokens[0], '{')) return undefined;
  const items = splitAtCommas(inside(tokens, isCall ? 1 : 0));
  return items
    .find(([name, mark]) => name?.value === key && isMark(mark, isCall ? '=' : ':'))
    ?.slice(2);
}
