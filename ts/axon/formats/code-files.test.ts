import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { beginsAsProgram, isCode } from './code-files.ts';

test('programs by their names', () => {
  for (const name of (
    'a.py lib.so lib.so.1 lib.so.1.2.3 run.bash m.ipynb m.jar m.node m.wasm p.pl run.rb setup.js x.pyx ' +
    'A.EXE tool.PS1 net.llamafile x.whl'
  ).split(' '))
    assert.ok(isCode(name), name);
  for (const name of 'net.ts so.1 a.so.md x.json net.onnx py notes.sh.txt js/labels.txt'.split(' '))
    assert.ok(!isCode(name), name);
});

test('programs by their first bytes', (t) => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'axon-code-')), 'f');
  t.after(() => fs.rmSync(path.dirname(file), { recursive: true }));
  const begins = (bytes: string) => {
    fs.writeFileSync(file, Buffer.from(bytes, 'latin1'));
    return beginsAsProgram(file);
  };
  const windows = (mark: string) => `MZ${'\0'.repeat(58)}\x40\0\0\0${mark}`;
  for (const bytes of [
    '#!/bin/sh\nls',
    '#! /usr/bin/env python3\n',
    '#!python\n',
    '\x7fELF\x02\x01',
    '\xcf\xfa\xed\xfe\x07',
    '\xca\xfe\xba\xbe\0\0',
    '\0asm\x01\0\0\0',
    "MZqFpD='\n",
    windows('PE\0\0'),
  ])
    assert.ok(begins(bytes), JSON.stringify(bytes.slice(0, 12)));
  for (const bytes of ['', '#', '#version: 0.2\n', '#!\n#"\n', 'MZ and so on', windows('XX\0\0')])
    assert.ok(!begins(bytes), JSON.stringify(bytes.slice(0, 12)));
});
