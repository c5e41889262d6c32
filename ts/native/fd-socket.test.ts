import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  connectSocket,
  descriptorOf,
  isPeerGone,
  peerCredentials,
  receiveDescriptors,
  sendDescriptors,
  socketPair,
} from './fd-socket.ts';
import { onReadable } from './readable.ts';
import { Region } from './region.ts';

const openFds = () => readdirSync('/proc/self/fd').length;
const limits = { maxBytes: 1024, maxFds: 4 };
const bytes = new Uint8Array([1, 2, 3]);

test('a region travels as a descriptor', () => {
  const [left, right] = socketPair();
  using region = Region.create({ byteLength: 4096 });
  region.seal();
  region.view()[1] = 11;
  assert.equal(sendDescriptors(left, bytes, [region.fd]), 3);
  const message = receiveDescriptors(right, limits);
  assert.ok(message !== null);
  assert.deepEqual([...message.bytes], [1, 2, 3]);
  assert.equal(message.fds.length, 1);
  using copy = Region.fromFd(message.fds[0] ?? -1, { maxBytes: 4096 });
  assert.equal(copy.view()[1], 11);
  closeSync(left);
  closeSync(right);
});

test('nothing there is null, a closed peer is an empty message', () => {
  const [left, right] = socketPair();
  assert.equal(receiveDescriptors(right, limits), null);
  closeSync(left);
  assert.equal(receiveDescriptors(right, limits)?.bytes.byteLength, 0);
  assert.throws(() => sendDescriptors(right, bytes, []), { code: 'EPIPE', syscall: 'sendmsg' });
  closeSync(right);
});

test('too many descriptors are an error that leaks none', () => {
  const [left, right] = socketPair('seqpacket');
  const before = openFds();
  sendDescriptors(left, bytes, [0, 1, 2, 0, 1]);
  assert.throws(() => receiveDescriptors(right, limits), { code: 'MESSAGE_TRUNCATED' });
  assert.equal(openFds(), before);
  closeSync(left);
  closeSync(right);
});

test('limits are checked', () => {
  const none = new Uint8Array(0);
  assert.throws(() => sendDescriptors(1, none, []), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => sendDescriptors(1, bytes, new Array(17).fill(0)), {
    code: 'INVALID_ARGUMENT',
  });
  assert.throws(() => sendDescriptors(-1, bytes, []), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => receiveDescriptors(1, { maxBytes: 1, maxFds: 17 }), {
    code: 'INVALID_ARGUMENT',
  });
});

test("credentials of a peer are the kernel's", () => {
  const [left, right] = socketPair();
  const { pid, uid, gid } = peerCredentials(left);
  assert.deepEqual([pid, uid, gid], [process.pid, process.getuid?.(), process.getgid?.()]);
  closeSync(left);
  closeSync(right);
  assert.throws(() => peerCredentials(0x7fff_ffff), { code: 'EBADF', errno: -9 });
});

test('a peer that ended its writing side is there, one that closed is gone', () => {
  const [left, right] = socketPair();
  assert.equal(isPeerGone(left), false);
  closeSync(right);
  assert.equal(isPeerGone(left), true);
  closeSync(left);
  assert.throws(() => isPeerGone(0x7fff_ffff), { code: 'EBADF' });
});

test('a server on net sends descriptors to a client that reads its own socket', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mlos-socket-'));
  const path = join(folder, 'socket');
  const region = Region.create({ byteLength: 4096 });
  region.seal();
  const server = createServer((socket: Socket) => {
    assert.equal(peerCredentials(descriptorOf(socket)).pid, process.pid);
    sendDescriptors(descriptorOf(socket), bytes, [region.fd]);
    socket.destroy();
  });
  t.after(() => {
    server.close();
    region.close();
    rmSync(folder, { recursive: true });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = connectSocket(path);
  await new Promise<void>((resolve) => onReadable(client, resolve, { keepAlive: true }));
  const message = receiveDescriptors(client, limits);
  assert.equal(message?.fds.length, 1);
  Region.fromFd(message?.fds[0] ?? -1, { maxBytes: 4096 }).close();
  closeSync(client);
});

test('connecting to nobody says so', () => {
  assert.throws(() => connectSocket('/nonexistent/socket'), { code: 'ENOENT', syscall: 'connect' });
  assert.throws(() => descriptorOf({}), { code: 'INVALID_ARGUMENT' });
});
