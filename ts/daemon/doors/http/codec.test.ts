import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { findMethod } from '../../../protocol/method-table.ts';
import { bodyFormOf } from './body-form.ts';
import { decodeParams, parseBody } from './codec.ts';
import { jsonErrorAt, tooDeepAt } from './json-text.ts';
import { MethodSurface } from './method-surface.ts';
import { RequestHead } from './request-head.ts';
import { Router } from './router.ts';

function json(bytes: Buffer) {
  return { form: 'json', contentType: '', bytes } as const;
}

function rowOf(name: string) {
  const spec = findMethod(name);
  assert.ok(spec !== undefined);
  return spec;
}

const router = new Router();

function decode(verb: string, target: string, body = ''): Record<string, unknown> {
  const [path = '', query = ''] = target.split('?');
  return decodeParams(router.match(verb, path), query, json(Buffer.from(body)));
}

test('path, query and body make one object', () => {
  assert.deepEqual(
    decode('POST', '/models/hf%2Fbert%40latest/inference?timeout_ms=500&input=a+b%21', '{"x":[1]}'),
    { x: [1], timeout_ms: 500, input: 'a b!', model_id: 'hf/bert@latest' },
  );
  assert.deepEqual(decode('GET', '/models'), {});
  const agreeing = decode('POST', '/models/hf/bert/load', '{"model_id":"hf/bert"}');
  assert.deepEqual(agreeing, { model_id: 'hf/bert' });
});

test('what is given twice and differently is refused', () => {
  for (const [target, body] of [
    ['/models/hf/bert/inference', '{"model_id":"hf/other"}'],
    ['/models/hf/bert/inference?a=1&a=2', ''],
    ['/models/hf/bert/inference?x=1', '{"x":2}'],
    ['/models/%E0%A4/load', ''],
    ['/models/hf/bert/load?%zz=1', ''],
  ] as const) {
    assert.throws(() => decode('POST', target, body), { code: 'INVALID_ARGUMENT' }, target);
  }
});

test('__proto__ is a name like any other', () => {
  const params = decode('POST', '/models/hf/b/inference?__proto__=x', '{"constructor":1}');
  assert.equal(Object.getPrototypeOf(params), Object.prototype);
  assert.ok(Object.hasOwn(params, '__proto__'));
});

test('bad JSON is refused with the place where it goes wrong', () => {
  for (const [text, position] of [
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['{"a":[1,2}', 9],
    ['{"a":tru}', 5],
    ['{"a":01}', 5],
    ['{"a":"\\x"}', 5],
    ['{"a":"x', 5],
    ['{"a":1', 6],
    ['{"a":1}}', 7],
    ['{"a":1} x', 8],
    ['   ', 3],
    ['{]', 1],
    [`{"a":${'['.repeat(20)}`, 25],
  ] as const) {
    assert.throws(
      () => parseBody(Buffer.from(text)),
      (error) => {
        assert.ok(error instanceof MlosError);
        assert.equal(error.code, 'INVALID_JSON');
        assert.equal(error.details?.['position'], position, text);
        return true;
      },
    );
  }
});

test('the walker finds fault exactly where JSON.parse does', () => {
  // Seeded, so that a failure can be repeated.
  let seed = 12345;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const alphabet = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e9"',
    '1',
    '-2.5e3',
    'true',
    'null',
    ' ',
  ];
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from(
      { length: 1 + random(8) },
      () => alphabet[random(alphabet.length)],
    ).join(' ');
    const position = jsonErrorAt(Buffer.from(text));
    let message = '';
    try {
      JSON.parse(text);
    } catch (error) {
      message = String(error);
    }
    // V8 tells the place in some messages only.
    const expected = /position (\d+)/.exec(message)?.[1];
    if (expected !== undefined) assert.equal(position, Number(expected), `${text}: ${message}`);
    if (message === '' || /end of JSON/.test(message)) assert.equal(position, text.length, text);
    if (/Unexpected token/.test(message)) assert.ok(position < text.length, text);
  }
});

test('depth is bounded, brackets in texts do not count', () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
  assert.equal(tooDeepAt(nested(32), 32), null);
  assert.equal(tooDeepAt(nested(33), 32), 32);
  assert.equal(tooDeepAt(Buffer.from(JSON.stringify({ a: `\\"${'['.repeat(99)}` })), 32), null);
  assert.equal(tooDeepAt(Buffer.from(JSON.stringify(Array(99).fill([]))), 32), null);
});

test('only what is certainly not JSON is turned away by its type', () => {
  const check = (type: string) => {
    const head = new RequestHead('POST', '/', '');
    head.add('content-type', type);
    head.add('content-length', '1');
    bodyFormOf(rowOf('models.register'), head);
  };
  for (const type of ['', 'application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
    check(type);
  }
  check('application/json; charset=UTF-8');
  for (const type of ['multipart/form-data; boundary=x', 'application/octet-stream', 'image/png']) {
    assert.throws(() => check(type), { code: 'UNSUPPORTED_MEDIA_TYPE' });
  }
  assert.throws(() => check('application/json; charset=utf-16'), {
    code: 'UNSUPPORTED_MEDIA_TYPE',
  });
});

test('a body of bytes is the parameter itself, and its other parameters stand in the query', () => {
  const target = `/uploads/${'0'.repeat(64)}/chunk`;
  const body = Buffer.from('{"offset":1}');
  const query = `sha256=${'a'.repeat(64)}&offset=7&chunk_sha256=${'b'.repeat(64)}`;
  const bytes = { form: 'bytes', contentType: '', bytes: body } as const;
  const params = decodeParams(router.match('POST', target), query, bytes);
  assert.deepEqual(params['data'], Buffer.from('{"offset":1}'));
  assert.equal(params['offset'], 7);
  assert.throws(() => decodeParams(router.match('POST', target), 'data=x', bytes), {
    code: 'INVALID_ARGUMENT',
  });
});

test('an operation that reads bytes takes no JSON', () => {
  for (const [type, fits] of [
    ['', true],
    ['application/octet-stream', true],
    ['application/json', false],
    ['application/x-www-form-urlencoded', false],
  ] as const) {
    const head = new RequestHead('POST', '/uploads/x/chunk', '');
    head.add('content-type', type);
    head.add('content-length', '1');
    const check = () => bodyFormOf(rowOf('uploads.put'), head);
    if (fits) check();
    else assert.throws(check, { code: 'UNSUPPORTED_MEDIA_TYPE' });
  }
});

test('only a body that is a parameter itself outlives its callback', () => {
  const surface = new MethodSurface({
    dispatcher: { call: () => null },
    logger: pino({ level: 'silent' }),
    maxBodyBytes: 1,
  });
  const keeps = (path: string) => surface.admit(new RequestHead('POST', path, '')).keepsBody;
  // uWebSockets.js takes its memory back when the callback ends.
  assert.equal(keeps('/uploads/x/chunk'), true);
  assert.equal(keeps('/models/hf/bert/inference'), false);
});

test('an operation on media reads them as they are, and forms', () => {
  const formOf = (type: string) => {
    const head = new RequestHead('POST', '/', '');
    head.add('content-type', type);
    head.add('content-length', '1');
    return bodyFormOf(rowOf('models.infer'), head);
  };
  assert.equal(formOf('image/jpeg'), 'bytes');
  assert.equal(formOf('Audio/Wav'), 'bytes');
  assert.equal(formOf('application/octet-stream'), 'bytes');
  assert.equal(formOf('multipart/form-data; boundary=x'), 'form');
  assert.equal(formOf('application/json'), 'json');
  assert.throws(() => formOf('video/mp4'), { code: 'UNSUPPORTED_MEDIA_TYPE' });
});
