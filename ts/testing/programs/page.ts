import assert from 'node:assert/strict';
import { join } from 'node:path';
import { read } from '../house/tree.ts';

/** The programs of a page of docs/: fences after `<!-- program: name -->`. Names → paths written. */
export async function writePrograms(
  page: string,
  write: (name: string, text: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const found = read(join('docs', page)).matchAll(
    /<!-- program: ([\w.]+) -->\s+```\w+\n([\s\S]+?)```/g,
  );
  const paths = new Map<string, string>();
  for (const [, name = '', text = ''] of found) paths.set(name, await write(name, text));
  assert.ok(paths.size > 0, `docs/${page} has programs`);
  return paths;
}
