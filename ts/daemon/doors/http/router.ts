import { MlosError } from '../../../protocol/errors.ts';
import { methodTable } from '../../../protocol/method-table.ts';
import type { MethodSpec } from '../../../protocol/methods/method.ts';
import { didYouMean } from '../../../protocol/nearest.ts';

/**
 * Paths of the method table → operations. Rules:
 *
 * 1. A path without variables wins over a template (`/models/register` is no model).
 * 2. A template is a prefix, one variable and a suffix. The variable may hold raw slashes, so the
 *    longest suffix wins: `/models/hf/bert/inference` is the inference of `hf/bert`.
 * 3. Only then comes the verb: a known path with another verb is 405 with Allow, never 404.
 * 4. Matching is on the raw path; the variable is percent-decoded afterwards. HEAD is GET.
 */
export interface RouteMatch {
  readonly spec: MethodSpec;
  /** Name of the template's variable, or null. */
  readonly variable: string | null;
  /** Its text, percent-encoding untouched. */
  readonly raw: string;
}

interface Resource {
  readonly verbs: Map<string, MethodSpec>;
  readonly variable: string | null;
  readonly prefix: string;
  readonly suffix: string;
}

const templatePattern = /^([^{]*)\{([^}]+)\}([^{]*)$/;

export class Router {
  readonly #static = new Map<string, Resource>();
  /** Longest suffix first, then longest prefix. */
  readonly #templates: Resource[] = [];

  constructor(methods: readonly MethodSpec[] = methodTable) {
    for (const method of methods) {
      for (const path of [method.http.path, ...(method.http.aliases ?? [])])
        this.#add(method, path);
    }
    this.#templates.sort(
      (a, b) => b.suffix.length - a.suffix.length || b.prefix.length - a.prefix.length,
    );
  }

  /** Throws UNKNOWN_METHOD or METHOD_NOT_ALLOWED (with `details.allow`). */
  match(verb: string, path: string): RouteMatch {
    const resource = this.#find(path);
    if (resource === undefined) throw this.#unknown(path);
    const spec = resource.verbs.get(verb === 'HEAD' ? 'GET' : verb);
    if (spec === undefined) throw this.#notAllowed(verb, path, resource);
    if (resource.variable === null) return { spec, variable: null, raw: '' };
    const raw = path.slice(resource.prefix.length, path.length - resource.suffix.length);
    return { spec, variable: resource.variable, raw };
  }

  /** Verbs of a path for OPTIONS; throws UNKNOWN_METHOD. */
  allow(path: string): readonly string[] {
    const resource = this.#find(path);
    if (resource === undefined) throw this.#unknown(path);
    return allowed(resource);
  }

  #add(method: MethodSpec, path: string): void {
    const [, prefix = path, variable, suffix = ''] = templatePattern.exec(path) ?? [];
    if (variable === undefined) {
      const known = this.#static.get(path);
      const resource = known ?? { verbs: new Map(), variable: null, prefix: path, suffix: '' };
      resource.verbs.set(method.http.verb, method);
      this.#static.set(path, resource);
      return;
    }
    let resource = this.#templates.find((t) => t.prefix === prefix && t.suffix === suffix);
    if (resource === undefined) {
      resource = { verbs: new Map(), variable, prefix, suffix };
      this.#templates.push(resource);
    }
    resource.verbs.set(method.http.verb, method);
  }

  #find(path: string): Resource | undefined {
    return (
      this.#static.get(path) ??
      this.#templates.find(
        (t) =>
          path.length > t.prefix.length + t.suffix.length &&
          path.startsWith(t.prefix) &&
          path.endsWith(t.suffix),
      )
    );
  }

  /** Paths like the one asked for, with its own variable part filled in: for "did you mean". */
  #candidates(path: string): string[] {
    const filled = this.#templates.map((t) => {
      const rest = path.startsWith(t.prefix) ? path.slice(t.prefix.length) : '';
      const end = t.suffix === '' ? rest.length : rest.lastIndexOf('/');
      return `${t.prefix}${end > 0 ? rest.slice(0, end) : `{${t.variable}}`}${t.suffix}`;
    });
    return [...this.#static.keys(), ...filled];
  }

  #unknown(path: string): MlosError {
    return new MlosError(
      'UNKNOWN_METHOD',
      `There is no path ${shown(path)}.${didYouMean(path, this.#candidates(path))}`,
    );
  }

  #notAllowed(verb: string, path: string, resource: Resource): MlosError {
    const allow = allowed(resource);
    const others = this.#candidates(path).filter((candidate) => candidate !== path);
    const withVerb = others.filter((candidate) => this.#find(candidate)?.verbs.has(verb));
    return new MlosError(
      'METHOD_NOT_ALLOWED',
      `${shown(path)} takes ${allow.join(', ')}, not ${verb}.${didYouMean(path, withVerb)}`,
      { details: { allow } },
    );
  }
}

function allowed(resource: Resource): string[] {
  const verbs = [...resource.verbs.keys()];
  if (resource.verbs.has('GET')) verbs.push('HEAD');
  return [...verbs, 'OPTIONS'];
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 256));
}
