import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicAddress } from './public-address.ts';

test('user, password and query are left out of an address, and nothing is changed in what is none', () => {
  for (const [text, shown] of [
    ['https://h/a@b?x=1', 'https://h/a@b'],
    ['https://me:hush@h:8080/a/b', 'https://h:8080/a/b'],
    ['http://me:h@sh@h/a?b@c#sha256=ff', 'http://h/a#sha256=ff'],
    ['https://h?x', 'https://h'],
    ['acme/bert', 'acme/bert'],
    ['acme/what?', 'acme/what?'],
  ])
    assert.equal(publicAddress(text ?? ''), shown);
});
