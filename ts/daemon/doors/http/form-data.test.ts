import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { readFormData } from './form-data.ts';

// Guards: forms are read to the byte, and what is wrong with one is said.

const type = 'multipart/form-data; boundary=XX';

function form(
  ...parts: readonly (readonly [head: string, content: string | Uint8Array])[]
): Buffer {
  const pieces = parts.flatMap(([head, content]) => [
    Buffer.from(`--XX\r\n${head}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from('--XX--\r\n')]);
}

const named = (name: string, more = '') => `Content-Disposition: form-data; name="${name}"${more}`;

test('files are bytes, the rest is text', async () => {
  const bytes = Buffer.from([0, 13, 10, 45, 45, 88, 88, 255, 13, 10]);
  const body = form(
    [named('input', '; filename="a b.bin"'), bytes],
    [`${named('note', '; filename="n.txt"')}\r\nContent-Type: text/plain`, 'héllo\r\n--X'],
    [`content-type: image/png\r\n${named('picture')}`, bytes],
    [named('task'), ''],
    [named('a\\"b'), 'x'],
  );
  assert.deepEqual(readFormData(type, body), [
    { name: 'input', value: bytes },
    { name: 'note', value: 'héllo\r\n--X' },
    { name: 'picture', value: bytes },
    { name: 'task', value: '' },
    { name: 'a"b', value: 'x' },
  ]);
  const preamble = Buffer.concat([Buffer.from('ignore this\r\n'), body, Buffer.from('and this')]);
  assert.equal(readFormData(`${type}; charset=utf-8`, preamble).length, 5);
  assert.deepEqual(readFormData('multipart/form-data; boundary="XX"', Buffer.from('--XX--')), []);
});

test('it reads what browsers and fetch write', async () => {
  const data = new FormData();
  data.set('input', new Blob([Buffer.from('picture')], { type: 'image/jpeg' }), 'cat.jpg');
  data.set('parameters', '{"top_k":1}');
  const request = new Request('http://localhost', { method: 'POST', body: data });
  const body = Buffer.from(await request.arrayBuffer());
  assert.deepEqual(readFormData(request.headers.get('content-type') ?? '', body), [
    { name: 'input', value: Buffer.from('picture') },
    { name: 'parameters', value: '{"top_k":1}' },
  ]);
});

test('what is wrong is said', () => {
  const good = form([named('a'), 'x']);
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['multipart/form-data', good, /no boundary/],
    ['multipart/form-data; boundary=YY', good, /the line "--YY" is missing/],
    [type, Buffer.alloc(0), /the line "--XX" is missing/],
    [type, good.subarray(0, -6), /the line "--XX" is missing/],
    [type, Buffer.from('--XX\r\nno head\r\n--XX--'), /part 1 has no empty line/],
    [type, form(['no colon', 'x']), /part 1 has the header "no colon"/],
    [type, form(['Content-Type: image/png', 'x']), /part 1 has no Content-Disposition/],
    [type, form([named('a'), Buffer.from([255])]), /"a" is not UTF-8/],
    [type, form([`${named('a')}\r\nContent-Transfer-Encoding: base64`, 'eA==']), /is in "base64"/],
  ];
  for (const [contentType, body, message] of cases) {
    assert.throws(() => readFormData(contentType, body), { code: 'INVALID_ARGUMENT', message });
  }
  const many = Array.from({ length: limits.taskItems + 1 }, () => [named('a'), 'x'] as const);
  assert.throws(() => readFormData(type, form(...many)), { code: 'PAYLOAD_TOO_LARGE' });
});

test('a form that was cut or bent is refused or read, never worse', () => {
  const whole = form([named('input', '; filename="a"'), 'abc\r\ndef'], [named('b'), 'c']);
  for (let length = 0; length < whole.length; length += 1) {
    for (const value of [0, 13, 10, 45, 34]) {
      const bent = Buffer.from(whole.subarray(0, length + 1));
      bent[length] = value;
      try {
        readFormData(
          type,
          Buffer.concat([bent, length % 2 === 0 ? whole.subarray(length + 1) : Buffer.alloc(0)]),
        );
      } catch (error) {
        assert.ok(error instanceof MlosError, String(error));
      }
    }
  }
});
