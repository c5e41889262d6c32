import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.ts';
import { decodeMsgpack, encodeMsgpack } from './msgpack.ts';

function refused(hex: string | Uint8Array, pattern: RegExp): void {
  const bytes = typeof hex === 'string' ? Buffer.from(hex.replaceAll(' ', ''), 'hex') : hex;
  assert.throws(() => decodeMsgpack(bytes), { code: 'INVALID_FRAME', message: pattern });
}

test('values survive the way out and back', () => {
  const value = {
    none: null,
    yes: true,
    small: -5,
    safe: 2 ** 53 - 1,
    wide: 2n ** 63n,
    float: 1.5,
    text: 'ü',
    list: [1, [2, {}]],
    bytes: Buffer.from([1, 2, 3]),
  };
  assert.deepEqual(decodeMsgpack(encodeMsgpack(value)), value);
});

test('what is written is plain MessagePack, without private extensions', () => {
  // Two objects of one shape: by default msgpackr would write a record extension here.
  const bytes = encodeMsgpack([{ a: 1 }, { a: 2 }]);
  assert.equal(bytes.toString('hex'), '9281a1610181a16102');
});

test('a key without a value is left out, as in JSON', () => {
  assert.deepEqual(decodeMsgpack(encodeMsgpack({ a: 1, b: undefined })), { a: 1 });
});

test('a frame that lies about its length is refused before anything is allocated', () => {
  refused('dd ff ff ff ff', /more than|more values than bytes/);
  refused('df ff ff ff ff', /more than|more values than bytes/);
  refused('c6 ff ff ff ff', /4294967295 bytes/);
  refused('db 00 00 00 05 61', /5 bytes is announced/);
  refused('93 01', /more values than bytes|ends where/);
  refused('cd 01', /2 bytes is announced/);
  refused('', /ends where/);
});

test('the bomb that kills ordinary decoders costs nothing', () => {
  const bomb = Buffer.alloc(60_000);
  for (let at = 0; at < bomb.length; at += 3) bomb.set([0xdc, 0xff, 0xff], at);
  refused(bomb, /refused/);
});

test('extension types, strange keys and trailing bytes are refused', () => {
  refused('d4 72 40', /extension/);
  refused('d6 ff 00 00 00 00', /extension/);
  refused('c7 01 05 00', /extension/);
  refused('c1', /extension/);
  refused('81 01 02', /key is not a string/);
  refused('01 02', /1 bytes follow/);
});

test('depth: the limit is read, one past it is refused', () => {
  const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([1])]);
  assert.ok(Array.isArray(decodeMsgpack(nested(limits.msgpackDepth))));
  refused(nested(limits.msgpackDepth + 1), /nested deeper/);
  refused(nested(1_000_000), /nested deeper/);
});

test('values: the limit is read, one past it is refused', () => {
  const list = (count: number) => {
    const bytes = Buffer.alloc(5 + count, 1);
    bytes[0] = 0xdd;
    bytes.writeUInt32BE(count, 1);
    return bytes;
  };
  assert.equal((decodeMsgpack(list(limits.msgpackNodes)) as unknown[]).length, limits.msgpackNodes);
  refused(list(limits.msgpackNodes + 1), /more than/);
});

test('a key such as __proto__ changes no prototype', () => {
  const value = decodeMsgpack(encodeMsgpack(new Map([['__proto__', { polluted: true }]])));
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.deepEqual(Object.entries(value as object), [['__proto__', { polluted: true }]]);
  const packed = encodeMsgpack(Object.fromEntries([['__proto__', [{ a: 1n << 60n }]]]));
  assert.deepEqual(Object.entries(decodeMsgpack(packed) as object), [
    ['__proto__', [{ a: 1n << 60n }]],
  ]);
});
