/**
 * The integers that stand for the versions of a name. They count up as contents are registered; one that
 * was given is never given again, also when its model has gone.
 */
interface Name {
  /** The highest that was ever given. */
  last: number;
  readonly ids: Map<number, string>;
}

export function nameOf(modelId: string): string {
  return modelId.slice(0, modelId.lastIndexOf('@'));
}

export class Ordinals {
  readonly #names = new Map<string, Name>();

  get names(): Iterable<string> {
    return this.#names.keys();
  }

  /** That all up to `last` have been given, whether or not a model has them now. */
  used(name: string, last: number): void {
    const known = this.#name(name);
    known.last = Math.max(known.last, last);
  }

  next(name: string): number {
    return (this.#names.get(name)?.last ?? 0) + 1;
  }

  last(name: string): number {
    return this.#names.get(name)?.last ?? 0;
  }

  put(modelId: string, ordinal: number): void {
    const name = this.#name(nameOf(modelId));
    for (const [other, id] of name.ids) if (id === modelId) name.ids.delete(other);
    name.ids.set(ordinal, modelId);
    name.last = Math.max(name.last, ordinal);
  }

  remove(modelId: string, ordinal: number): void {
    this.#names.get(nameOf(modelId))?.ids.delete(ordinal);
  }

  /** The model that has this one; of 0, the highest that a model has. */
  find(name: string, ordinal: number): string | undefined {
    const ids = this.#names.get(name)?.ids;
    if (ids === undefined || ordinal > 0) return ids?.get(ordinal);
    return ids.get(Math.max(...ids.keys()));
  }

  #name(name: string): Name {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const fresh = { last: 0, ids: new Map<number, string>() };
    this.#names.set(name, fresh);
    return fresh;
  }
}
