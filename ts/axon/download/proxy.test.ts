import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxiesOf } from './proxy.ts';

const through = (env: NodeJS.ProcessEnv, url: string) => {
  const proxy = proxiesOf(env)(new URL(url));
  return proxy === null ? null : proxy.url.href;
};

test('each kind of address has its variable, small letters first, ALL_PROXY for what is left', () => {
  const env = { HTTP_PROXY: 'http://one:1', HTTPS_PROXY: 'two:2', https_proxy: 'https://three' };
  assert.equal(through(env, 'http://host/x'), 'http://one:1/');
  assert.equal(through(env, 'https://host/x'), 'https://three/');
  assert.equal(through({ HTTPS_PROXY: 'two:2' }, 'https://host/x'), 'http://two:2/');
  assert.equal(through({ HTTPS_PROXY: 'two:2' }, 'http://host/x'), null);
  assert.equal(through({ ALL_PROXY: 'all:3', HTTP_PROXY: '' }, 'http://host/'), 'http://all:3/');
  assert.equal(through({}, 'https://host/'), null);
});

test('user and password are for the proxy, and stand in no address', () => {
  const proxy = proxiesOf({ HTTP_PROXY: 'http://me%40x:p%25@proxy:8080' })(new URL('http://host'));
  assert.equal(proxy?.url.href, 'http://proxy:8080/');
  const sent = proxy?.headers['proxy-authorization'] ?? '';
  assert.equal(Buffer.from(sent.slice('Basic '.length), 'base64').toString(), 'me@x:p%');
});

test('this machine and what NO_PROXY names are reached directly', () => {
  const env = {
    ALL_PROXY: 'p:1',
    NO_PROXY: 'corp.example, .inner.example *.star.example,host:8080 10.1.0.0/16,::5',
  };
  for (const direct of [
    'http://localhost:1/',
    'https://a.localhost/',
    'http://127.9.9.9/',
    'http://[::1]:3/',
    'https://corp.example/',
    'https://a.CORP.example./',
    'https://inner.example/',
    'https://x.star.example/',
    'http://host:8080/',
    'http://10.1.2.3/',
    'http://[::5]/',
  ])
    assert.equal(through(env, direct), null, direct);
  for (const far of [
    'https://notcorp.example/',
    'http://host/',
    'http://10.2.0.1/',
    'http://[::6]/',
    'https://localhost.example/',
  ])
    assert.equal(through(env, far), 'http://p:1/', far);
  assert.equal(through({ ALL_PROXY: 'p:1', no_proxy: '*' }, 'https://host/'), null);
});

test('what is no proxy that can be used is an error, without the password in it', () => {
  for (const text of ['socks5://me:secret@host:1', 'http://', 'http://me:secret@host:port'])
    assert.throws(
      () => through({ HTTPS_PROXY: text }, 'https://host/'),
      (error: Error) =>
        /HTTPS_PROXY names no proxy/.test(error.message) && !/secret/.test(error.message),
      text,
    );
});
