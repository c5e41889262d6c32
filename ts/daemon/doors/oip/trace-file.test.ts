import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TraceFiles } from './trace-file.ts';

function place(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'mlos-traces-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const errors: unknown[] = [];
  const files = new TraceFiles(join(folder, 'traces'), (error) => errors.push(error));
  const read = (name: string) =>
    JSON.parse(readFileSync(join(folder, 'traces', name), 'utf8')) as unknown;
  return { folder, files, errors, read };
}

test('files are whole JSON lists, also where two are written in turns', async (t) => {
  const { files, errors, read } = place(t);
  for (let i = 0; i < 3; i++) {
    files.append('a', [`{"a":${i}}`, '1']);
    files.append('b', [`{"b":${i}}`]);
  }
  await files.close();
  assert.deepEqual(errors, []);
  assert.deepEqual(read('a'), [{ a: 0 }, 1, { a: 1 }, 1, { a: 2 }, 1]);
  assert.deepEqual(read('b'), [{ b: 0 }, { b: 1 }, { b: 2 }]);
});

test('a file of an earlier run begins anew, and a link is not followed', async (t) => {
  const { folder, files, errors, read } = place(t);
  files.append('a', ['1']);
  await files.close();
  const next = new TraceFiles(join(folder, 'traces'), (error) => errors.push(error));
  next.append('a', ['2']);
  await next.close();
  assert.deepEqual(read('a'), [2]);
  writeFileSync(join(folder, 'outside'), 'kept');
  symlinkSync(join(folder, 'outside'), join(folder, 'traces', 'link'));
  next.append('link', ['3']);
  await next.close();
  assert.equal((errors as { code?: string }[])[0]?.code, 'ELOOP');
  assert.equal(readFileSync(join(folder, 'outside'), 'utf8'), 'kept');
});
