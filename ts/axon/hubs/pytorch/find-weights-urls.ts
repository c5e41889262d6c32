import type { PythonFunction, PythonModule } from './python-module.ts';
import { PythonScope, type Values } from './python-scope.ts';
import { inside, isMark, splitAtCommas, type Token } from './python-text.ts';

export interface FoundUrls {
  readonly urls: readonly string[];
  /** Arguments whose meaning only running the code would tell, as they stand in it. */
  readonly unclear: readonly string[];
}

const loaders: ReadonlySet<string> = new Set([
  'load_state_dict_from_url',
  'download_url_to_file',
  'load_url',
]);

/** How deep functions that call functions are looked into. */
const maxDepth = 5;
/** Calls looked at in all: a module that calls itself many ways ends here. */
const maxCalls = 2_000;

/** The addresses of weights that an entrypoint loads, as far as the text says them. */
export function findWeightsUrls(module: PythonModule, entry: PythonFunction): FoundUrls {
  const finder = new Finder(module);
  finder.visit(entry, new Map(), 0);
  return { urls: [...finder.urls], unclear: [...finder.unclear] };
}

class Finder {
  readonly urls = new Set<string>();
  readonly unclear = new Set<string>();
  readonly #module: PythonModule;
  #calls = 0;

  constructor(module: PythonModule) {
    this.#module = module;
  }

  visit(fn: PythonFunction, given: Values, depth: number): void {
    const scope = new PythonScope(this.#module, fn, given);
    for (const { tokens } of fn.body) {
      for (const [name, args] of callsOf(tokens)) {
        this.#calls += 1;
        if (this.#calls > maxCalls) return;
        const called = this.#module.functions.get(name);
        if (loaders.has(name)) this.#collect(args, scope);
        else if (called !== undefined && depth < maxDepth)
          this.visit(called, scope.bind(called, args), depth + 1);
      }
    }
  }

  #collect(args: readonly Token[][], scope: PythonScope): void {
    const named = args.find(([name, equals]) => name?.value === 'url' && isMark(equals, '='));
    const tokens = named?.slice(2) ?? args[0] ?? [];
    const url = scope.textOf(tokens);
    if (url !== null && /^https?:\/\//.test(url)) this.urls.add(url);
    else this.unclear.add(tokens.map((token) => token.value).join(''));
  }
}

/** Each `name(…)` in a line, with its arguments. */
function* callsOf(tokens: readonly Token[]): Generator<[string, Token[][]]> {
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'name' && isMark(tokens[at + 1], '('))
      yield [token.value, splitAtCommas(inside(tokens, at + 1))];
  }
}
