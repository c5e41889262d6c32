import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { exitCodes } from './exit-codes.ts';

test('docs/axon.md lists every exit code, with this number and meaning, and no other', () => {
  const text = fs.readFileSync(new URL('../../docs/axon.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` +\| +(\d+) \| (.+?) *\|$/gm)];
  const documented = Object.fromEntries(
    rows.map(([, code, exit, meaning]) => [code, { exit: Number(exit), meaning }]),
  );
  assert.deepEqual(documented, exitCodes);
});
