import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dimmed, harmless } from './harmless.ts';

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

test('what is dimmed is harmless, too, and ends dimmed', () => {
  let written = '';
  dimmed({
    isTTY: true,
    write: (text) => {
      written += text;
    },
  }).write('a\u001b[22mb');
  assert.equal(written, '\u001b[2ma\ufffd[22mb\u001b[22m');
});
