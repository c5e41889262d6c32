import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTokenizable } from './tokenizable.ts';

test('stretches of one kind are bounded, and words of whatever they are made of', () => {
  for (const one of ['a', 'é', '漢', '𝒜', '7', '٣', ' ', '\n', '~', '😀']) {
    const apart = one.trim() === '' ? 'x' : ' ';
    checkTokenizable(`${one.repeat(8_192)}${apart}${one.repeat(8_192)}`);
    const long = `${apart}${one.repeat(8_193)}${apart}`;
    assert.throws(() => checkTokenizable(long), { code: 'INVALID_VALUE' }, one);
  }
  checkTokenizable(`a1~é`.repeat(4_096));
  assert.throws(() => checkTokenizable('a1~é'.repeat(4_097)), { code: 'INVALID_VALUE' });
  // Marks and blanks end a word.
  for (const end of [' ', '. ', '。']) checkTokenizable(`${'a1'.repeat(4_000)}${end}`.repeat(20));
});

test('each character is looked at once', () => {
  // Nearly too long, again and again: a pattern would need minutes for it.
  checkTokenizable(`${'a1'.repeat(8_000)} `.repeat(16));
});

test('a text that would keep all others waiting is refused', () => {
  checkTokenizable('cat '.repeat(65_536));
  assert.throws(() => checkTokenizable('cat '.repeat(65_537)), { code: 'PAYLOAD_TOO_LARGE' });
});
