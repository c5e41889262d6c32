import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxonError } from '../axon-error.ts';
import { isInside, isInsideAddress, nextUrl } from './redirect.ts';

const from = new URL('https://hub.example/a/b?c#d');

test('a redirect leads on, relative or absolute, without what does not belong to it', () => {
  assert.equal(nextUrl(from, '../x', false).href, 'https://hub.example/x');
  assert.equal(nextUrl(from, '//cdn.example/y', false).href, 'https://cdn.example/y');
  assert.equal(nextUrl(from, 'https://u:p@cdn.example/#z', false).href, 'https://cdn.example/');
  const plain = new URL('http://mirror.example/');
  assert.equal(nextUrl(plain, 'http://mirror.example/x', false).protocol, 'http:');
});

test('no way down from https, to files, and from a public host into the network', () => {
  const refused = [
    'http://hub.example/',
    'file:///etc/passwd',
    'ftp://hub.example/',
    'data:,x',
    'https://[',
    'https://localhost/',
    'https://db.localhost./',
    'https://127.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://10.1.2.3/',
    'https://100.64.0.1/',
    'https://172.31.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://0.0.0.0/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[64:ff9b::10.0.0.1]/',
    'https://[2002:a00:1::1]/',
    'https://[::10.0.0.1]/',
    'https://[fec0::1]/',
    'https://198.18.0.1/',
    'https://192.0.0.1/',
  ];
  for (const location of refused)
    assert.throws(
      () => nextUrl(from, location, false),
      (error) => error instanceof AxonError && error.code === 'BAD_RESPONSE',
      location,
    );
  assert.equal(nextUrl(from, 'https://10.1.2.3/', true).hostname, '10.1.2.3');
  const mixed = new URL('https://cdn.example/');
  assert.throws(() => nextUrl(mixed, 'http://mirror.example/', true));
});

test('what belongs to this network', () => {
  assert.ok(isInsideAddress('::ffff:127.0.0.1'));
  assert.ok(!isInsideAddress('8.8.8.8'));
  assert.ok(!isInsideAddress('64:ff9b::808:808'));
  assert.ok(!isInsideAddress('2606:4700::1111'));
  assert.ok(!isInsideAddress('not an address'));
  assert.ok(!isInside(new URL('https://localhost.example/')));
});
