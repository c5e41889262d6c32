import type { Description } from './hub.ts';

/*
 * Reading what a source states: every field is looked at before it is used, and cut to what a manifest
 * has room for. What is not stated is undefined, and `onlyStated` leaves it out.
 */
export type Dict = Readonly<Record<string, unknown>>;

export function dict(value: unknown): Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Dict)
    : {};
}

export function statedText(value: unknown, most = 200): string | undefined {
  return typeof value === 'string' ? value.trim().slice(0, most) || undefined : undefined;
}

export function statedUrl(value: unknown): string | undefined {
  const text = statedText(value, 2_000);
  return text !== undefined && /^https?:\/\//.test(text) ? text : undefined;
}

/** Single words; of objects their name. */
export function statedWords(value: unknown): string[] {
  return (Array.isArray(value) ? (value as readonly unknown[]) : []).flatMap((item) => {
    const { Name, name } = dict(item);
    const word = [item, Name, name].find((one) => typeof one === 'string' && one !== '');
    return typeof word === 'string' && word.length <= 200 ? [word] : [];
  });
}

export function statedTags(words: readonly (string | undefined)[]): readonly string[] | undefined {
  const tags = [...new Set(words)].filter((tag) => tag !== undefined && tag !== '');
  return tags.length === 0 ? undefined : (tags as string[]).slice(0, 50);
}

/** A date as text, or the seconds since 1970. */
export function statedTime(value: unknown): string | undefined {
  if (typeof value === 'number' && value > 0 && value < 1e11)
    return new Date(value * 1000).toISOString();
  return statedText(value, 40);
}

type Authors = NonNullable<Description['authors']>;

/** Names without the addresses behind them; what is only an address names nobody. */
export function statedPeople(values: readonly unknown[]): Authors | undefined {
  const names = values.flatMap((value) => {
    const text = statedText(value) ?? statedText(dict(value)['name']);
    const name = text?.replace(/\s*[<(].*$/, '').replace(/^"(.*)"$/, '$1');
    return name === undefined || name === '' || /^\S+@\S+$/.test(name) ? [] : [name];
  });
  const people = [...new Set(names)].slice(0, 50).map((name) => ({ name }));
  return people.length === 0 ? undefined : people;
}

type Stated<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

export function onlyStated<T extends object>(fields: T): Stated<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Stated<T>;
}
