import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harmless } from './harmless.ts';

// Guards: what a model writes cannot command the terminal that shows it.

test('controls are shown on a terminal, and left alone in a pipe', () => {
  const hostile = 'a\u001b]0;title\u0007\tb\r\n\u202ec';
  for (const [isTTY, expected] of [
    [true, 'a\ufffd]0;title\ufffd\tb\ufffd\n\ufffdc'],
    [false, hostile],
  ] as const) {
    let written = '';
    harmless({
      isTTY,
      write: (text) => {
        written += text;
      },
    }).write(hostile);
    assert.equal(written, expected);
  }
});
