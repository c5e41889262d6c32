import type { Description } from '../hub.ts';

/** METADATA of a wheel, PKG-INFO of a source archive: headers as in a letter, then the long description. */
export function isMetadata(name: string): boolean {
  return /^[^/]+\.dist-info\/METADATA$/.test(name) || name === 'PKG-INFO';
}

export function describeMetadata(file: Buffer | null): Description {
  if (file === null) return {};
  const head = file.toString('utf8').split(/\r?\n\r?\n/, 1)[0] ?? '';
  const values = new Map<string, string[]>();
  // A line that begins with a space goes on with the one before.
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const [, key = '', value = ''] = /^([A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
    if (value === '' || value === 'UNKNOWN') continue;
    values.set(key.toLowerCase(), [...(values.get(key.toLowerCase()) ?? []), value]);
  }
  const first = (key: string, most: number) => values.get(key)?.[0]?.slice(0, most);
  const homepage =
    first('home-page', 2_000) ??
    values
      .get('project-url')
      ?.map((entry) => /^home\s?page\s*,\s*(\S+)/i.exec(entry)?.[1])
      .find((url) => url !== undefined);
  const words = {
    description: first('summary', 2_000),
    license: license(values),
    homepage: homepage?.slice(0, 2_000),
  };
  const tags = (first('keywords', 2_000) ?? '')
    .split(/[,;\s]+/)
    .filter((tag) => tag !== '' && tag.length <= 200)
    .slice(0, 50);
  return {
    ...Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined)),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

/** An expression, else the old field where it is a name and not a whole text, else the classifier's last word. */
function license(values: ReadonlyMap<string, readonly string[]>): string | undefined {
  const expression = values.get('license-expression')?.[0];
  if (expression !== undefined) return expression.slice(0, 200);
  const field = values.get('license')?.[0];
  if (field !== undefined && field.length <= 100) return field;
  return values
    .get('classifier')
    ?.map((entry) => /^License ::.* :: (.+)$/.exec(entry)?.[1])
    .find((name) => name !== undefined)
    ?.slice(0, 200);
}
