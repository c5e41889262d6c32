import type { Description } from '../hub.ts';
import { onlyStated, statedPeople, statedTags, statedText, statedUrl } from '../stated.ts';

/** METADATA of a wheel, PKG-INFO of a source archive: headers as in a letter, then the long description. */
export function isMetadata(name: string): boolean {
  return /^[^/]+\.dist-info\/METADATA$/.test(name) || name === 'PKG-INFO';
}

type Headers = ReadonlyMap<string, readonly string[]>;

export function describeMetadata(file: Buffer | null): Description {
  if (file === null) return {};
  const headers = readHeaders(file.toString('utf8').split(/\r?\n\r?\n/, 1)[0] ?? '');
  const first = (key: string) => headers.get(key)?.[0];
  const keywords = (first('keywords') ?? '').split(/[,;\s]+/);
  // Names alone in one field, names with addresses in the other.
  const people = ['author-email', 'maintainer-email'].flatMap((key) =>
    (first(key) ?? '').split(/,(?=[^>]*(?:<|$))/),
  );
  return onlyStated({
    description: statedText(first('summary'), 2_000),
    license: license(headers)?.slice(0, 200),
    homepage: statedUrl(first('home-page')) ?? linkOf(headers, /^home\s?page$/i),
    documentation: linkOf(headers, /^(documentation|docs)$/i),
    authors: statedPeople([first('author'), ...people, first('maintainer')]),
    tags: statedTags(keywords.filter((tag) => tag.length <= 200)),
  });
}

/** A line that begins with a space goes on with the one before. */
function readHeaders(head: string): Headers {
  const values = new Map<string, string[]>();
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const [, key = '', value = ''] = /^([A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
    if (value === '' || value === 'UNKNOWN') continue;
    values.set(key.toLowerCase(), [...(values.get(key.toLowerCase()) ?? []), value]);
  }
  return values;
}

/** `Project-URL: <label>, <address>`. */
function linkOf(headers: Headers, label: RegExp): string | undefined {
  return headers.get('project-url')?.flatMap((entry) => {
    const comma = entry.indexOf(',');
    const url = statedUrl(entry.slice(comma + 1));
    return url !== undefined && label.test(entry.slice(0, comma).trim()) ? [url] : [];
  })[0];
}

/** An expression, else the old field where it is a name and not a whole text, else the classifier's last word. */
function license(headers: Headers): string | undefined {
  const expression = headers.get('license-expression')?.[0];
  if (expression !== undefined) return expression;
  const field = headers.get('license')?.[0];
  if (field !== undefined && field.length <= 100) return field;
  return headers
    .get('classifier')
    ?.map((entry) => /^License ::.* :: (.+)$/.exec(entry)?.[1])
    .find((name) => name !== undefined);
}
