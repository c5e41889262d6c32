import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IncomingMessage } from './incoming-message.ts';

// Guards: what is held of arriving messages is counted as it lies in memory.

const MiB = 1024 * 1024;

function message(bytes: number, flag = 0): Buffer {
  const whole = Buffer.alloc(5 + bytes);
  whole.writeUInt8(flag, 0);
  whole.writeUInt32BE(bytes, 1);
  return whole;
}

test('a message in parts is partial until its end, and held until it is taken', () => {
  const incoming = new IncomingMessage(MiB);
  for (const byte of message(10)) {
    assert.ok(incoming.heldBytes <= 15 * 129, 'a byte costs itself and its object');
    incoming.push(Buffer.alloc(1, byte));
  }
  assert.equal(incoming.isPartial, false);
  assert.equal(incoming.heldBytes, 10);
  incoming.take();
  assert.equal(incoming.heldBytes, 0);
});

test('several messages in one chunk, the last one begun', () => {
  const incoming = new IncomingMessage(MiB);
  const chunk = Buffer.concat([message(100), message(0), message(50), message(20).subarray(0, 7)]);
  incoming.push(chunk);
  assert.equal(incoming.isPartial, true);
  for (const bytes of [100, 0, 50]) {
    const before = incoming.heldBytes;
    incoming.take();
    assert.equal(before - incoming.heldBytes, bytes);
  }
  assert.ok(incoming.heldBytes >= 7);
});

test('a small part of a large buffer costs the buffer', () => {
  const incoming = new IncomingMessage(MiB);
  incoming.push(Buffer.alloc(64 * 1024).subarray(0, 3));
  assert.ok(incoming.heldBytes >= 64 * 1024);
});

test('a compressed message counts as what it may become, at most the limit', () => {
  const incoming = new IncomingMessage(MiB);
  incoming.push(message(100, 1));
  assert.equal(incoming.heldBytes, 100 * 1_032);
  incoming.push(message(100_000, 1));
  assert.equal(incoming.heldBytes, 100 * 1_032 + MiB);
});
