import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxonError } from '../../axon-error.ts';
import { parseNpmSpec } from './npm-spec.ts';
import { parseIntegrity } from './packument.ts';

test('names and versions', () => {
  assert.deepEqual(parseNpmSpec('@a/b@1.2.3'), { name: '@a/b', version: '1.2.3' });
  assert.deepEqual(parseNpmSpec('b'), { name: 'b', version: 'latest' });
  assert.deepEqual(parseNpmSpec('@a/b'), { name: '@a/b', version: 'latest' });
  for (const bad of [
    '',
    '@a',
    '../b',
    'a/b',
    '.a',
    'a@',
    'a@^1',
    'a@>=1',
    'a b',
    'a@1/2',
    `${'a'.repeat(215)}`,
  ])
    assert.throws(() => parseNpmSpec(bad), AxonError, bad);
});

test('the strongest hash counts; weak and broken ones are none', () => {
  const sha512 = `sha512-${Buffer.alloc(64, 1).toString('base64')}`;
  assert.deepEqual(parseIntegrity(`sha1-abc ${sha512}?x`), {
    algorithm: 'sha512',
    hex: '01'.repeat(64),
  });
  assert.equal(parseIntegrity('sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk='), null);
  assert.equal(parseIntegrity('sha512-AAAA'), null);
  assert.equal(parseIntegrity(''), null);
});
