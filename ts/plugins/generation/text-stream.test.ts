import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAfter, TextStream } from './text-stream.ts';

/** Tokens are bytes of UTF-8; at the start of a text a blank is left out, as some tokenizers do. */
const decode = (tokens: readonly number[]) =>
  new TextDecoder().decode(Uint8Array.from(tokens)).replace(/^ /, '');
const bytes = (text: string) => [...new TextEncoder().encode(text)];

function stream(text: string, stops: readonly string[] = [], before = '') {
  const made = new TextStream(decode, bytes(before), stops);
  const said: string[] = [];
  for (const token of bytes(text)) if (!made.stopped) said.push(made.push(token));
  said.push(made.end());
  return { said, text: made.text, stopped: made.stopped };
}

test('a character is said when it is whole', () => {
  const { said, text } = stream('aä€😀b');
  assert.equal(text, 'aä€😀b');
  assert.equal(said.join(''), text);
  for (const part of said) assert.doesNotMatch(part, /\ufffd/);
});

test('what is broken for good is said as such in the end', () => {
  const made = new TextStream(decode, [], []);
  assert.equal(made.push(0xe2), '');
  assert.equal(made.push(0x82), '');
  assert.equal(made.end(), '\ufffd');
});

test('a text that goes on keeps the blank that a new one would lose', () => {
  assert.equal(stream(' was', [], 'Zoo').text, ' was');
  assert.equal(stream(' was').text, 'was');
  assert.equal(decodeAfter(decode, bytes('Zoo'), 0x20), ' ');
});

test('tokens that say nothing do not cost the next one its blank', () => {
  const silent = 300;
  const words = (tokens: readonly number[]) => decode(tokens.filter((token) => token !== silent));
  const made = new TextStream(words, [silent], []);
  const said = [0x61, silent, 0x20, silent, silent, 0x62].map((token) => made.push(token));
  assert.deepEqual(said, ['a', '', ' ', '', '', 'b']);
});

test('a stop text is held back while it may come, and never said', () => {
  const { said, text, stopped } = stream('one two END three', ['END']);
  assert.equal(text, 'one two ');
  assert.equal(said.join(''), text);
  assert.equal(stopped, true);
  assert.equal(stream('one EN', ['END']).text, 'one EN');
  assert.equal(stream('aXaXaY!', ['aXaY', 'never']).text, 'aX');
  assert.equal(stream('both X and Y', ['Y', 'X']).text, 'both ');
});
