import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { typedPath } from './typed-path.ts';

// Guards: a path that a terminal or a person wrote for a shell is that file.

test('quotes, backslashes and the home folder are what a shell takes them for', () => {
  for (const [typed, path] of [
    [' /a/b.png ', '/a/b.png'],
    ["'/a/my cat.png' ", '/a/my cat.png'],
    ['"/a/my \\"cat\\".png"', '/a/my "cat".png'],
    ["'/a/it'\\''s.png'", "/a/it's.png"],
    ['/a/my\\ cat\\ \\(1\\).png', '/a/my cat (1).png'],
    ["/a/bob's.png", "/a/bob's.png"],
    ['~/x.png', '/home/me/x.png'],
    ['~/my\\ x.png', '/home/me/my x.png'],
    ["'~/x.png'", '~/x.png'],
    ['~', '~'],
  ] as const) {
    assert.equal(typedPath(typed, '/home/me'), path, typed);
  }
});

test('what is a file as it stands is that file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-typed-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, '\'odd\' \\ "name".png');
  await writeFile(path, '');
  assert.equal(typedPath(path), path);
});
