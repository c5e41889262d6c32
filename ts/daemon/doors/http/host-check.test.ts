import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostCheck } from './host-check.ts';
import { RequestHead } from './request-head.ts';

// Guards: a web page cannot reach the daemon, neither by DNS rebinding nor across sites.

function refusal(check: HostCheck, host: string, origin = ''): string | null {
  const head = new RequestHead('GET', '/health', '');
  head.add('host', host);
  if (origin !== '') head.add('origin', origin);
  return check.refuse(head)?.code ?? null;
}

test('only names of this daemon are served', () => {
  const check = new HostCheck({ host: '127.0.0.1', allowedHosts: ['box.lan'], allowedOrigins: [] });
  for (const host of [
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1:1',
    '[::1]:8080',
    'box.lan',
    'localhost.',
  ]) {
    assert.equal(refusal(check, host), null, host);
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '10.0.0.1',
    '',
    '[',
    'a@localhost',
  ]) {
    assert.equal(refusal(check, host), 'FORBIDDEN_ORIGIN', host);
  }
});

test('an address is enough where the door is bound to all of them', () => {
  const check = new HostCheck({ host: '0.0.0.0', allowedHosts: [], allowedOrigins: [] });
  assert.equal(refusal(check, '10.1.2.3:8080'), null);
  assert.equal(refusal(check, 'evil.example:8080'), 'FORBIDDEN_ORIGIN');
});

test('web pages are refused unless their origin is configured', () => {
  const check = new HostCheck({
    host: '127.0.0.1',
    allowedHosts: [],
    allowedOrigins: ['https://app.example'],
  });
  assert.equal(refusal(check, 'localhost', 'https://app.example'), null);
  for (const origin of [
    'http://app.example',
    'https://evil.example',
    'null',
    'http://localhost:3000',
  ]) {
    assert.equal(refusal(check, 'localhost', origin), 'FORBIDDEN_ORIGIN', origin);
  }
});

test('two Host headers are one too many', () => {
  const check = new HostCheck({ host: '127.0.0.1', allowedHosts: [], allowedOrigins: [] });
  const head = new RequestHead('GET', '/health', '');
  head.add('host', 'localhost');
  head.add('host', 'evil.example');
  assert.equal(check.refuse(head)?.code, 'INVALID_ARGUMENT');
});
