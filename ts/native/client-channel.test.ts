import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { nativeBinding } from './binding.ts';
import { type ChannelFiles, createChannelFiles } from './channel-files.ts';
import { channelLayout } from './channel-layout.ts';
import { callFault, mailbox } from './channel-mailbox.ts';
import { ClientChannel, type PreparedRequest, type TensorSlot } from './client-channel.ts';
import { Region } from './region.ts';

/*
 * What the client's end does by itself: the other end's socket is held here and nobody serves. With a host:
 * engine-channel.test.ts.
 */
const arenaBytes = 1 << 16;
const openFds = () => readdirSync('/proc/self/fd').length;

async function makeFiles(): Promise<ChannelFiles> {
  const files = await createChannelFiles({
    channelId: 5,
    requestArenaBytes: arenaBytes,
    responseArenaBytes: arenaBytes,
  });
  // As the host does before the client gets to see the channel: map for writing, then seal.
  const duplicate = openSync(`/proc/self/fd/${files.responseRegion}`, 'r+');
  using region = Region.fromFd(duplicate, { maxBytes: 1 << 20, writable: true });
  region.seal();
  return files;
}

function openOf(files: ChannelFiles): { channel: ClientChannel; hostSocket: number } {
  const { requestRegion, responseRegion, bell, clientSocket, hostSocket } = files;
  const fds = { requestRegion, responseRegion, bell, socket: clientSocket };
  return { channel: ClientChannel.open(fds), hostSocket };
}

const open = async () => openOf(await makeFiles());

const slot = (byteLength: number, shape = [byteLength / 4]): TensorSlot => ({
  index: 0,
  dtype: 'float32',
  shape,
  byteLength,
});

test('both sides of the mailbox agree', () => {
  const layout = channelLayout();
  assert.deepEqual({ ...layout.mailbox }, { ...mailbox });
  assert.deepEqual({ ...layout.callFaults }, { ...callFault });
});

test('sizes of a channel are checked', async () => {
  const { minArenaBytes, maxArenaBytes } = channelLayout().bounds;
  for (const requestArenaBytes of [0, minArenaBytes - 1, maxArenaBytes + 1, 0.5, Number.NaN]) {
    const make = () =>
      createChannelFiles({ channelId: 1, requestArenaBytes, responseArenaBytes: minArenaBytes });
    await assert.rejects(make, { code: 'INVALID_ARGUMENT' });
  }
});

test('a channel owns its descriptors and leaves none', async () => {
  const before = openFds();
  for (let i = 0; i < 20; i += 1) {
    const { channel, hostSocket } = await open();
    assert.equal(channel.state, 'opening');
    assert.ok(channel.requestArenaBytes >= arenaBytes && channel.responseArenaBytes >= arenaBytes);
    channel.close();
    channel.close();
    assert.equal(channel.state, 'closed');
    closeSync(hostSocket);
  }
  assert.equal(openFds(), before);
});

test('descriptors that are no channel are refused and closed', async () => {
  const before = openFds();
  const files = await makeFiles();
  // The two regions in each other's place.
  const swapped = { ...files, requestRegion: files.responseRegion };
  swapped.responseRegion = files.requestRegion;
  assert.throws(() => openOf(swapped), { name: 'NativeError' });
  closeSync(files.hostSocket);
  assert.equal(openFds(), before);

  const zero = () => openSync('/dev/zero', 'r');
  const fds = { requestRegion: zero(), responseRegion: zero(), bell: zero(), socket: zero() };
  assert.throws(() => ClientChannel.open(fds), { code: 'NOT_A_REGION' });
  assert.equal(openFds(), before);

  const twice = { requestRegion: 1, responseRegion: 1, bell: 2, socket: 3 };
  assert.throws(() => ClientChannel.open(twice), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => nativeBinding().channelOpen(1, 1, 2, 3, 0), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => nativeBinding().channelOpen(1, 2, 3, -4, 0), { code: 'INVALID_ARGUMENT' });
});

test('blocks are handed out until the arena is full, and come back', async () => {
  const { channel, hostSocket } = await open();
  const blocks: PreparedRequest[] = [];
  for (;;) {
    const block = channel.prepare([slot(4096)]);
    if (block === null) break;
    assert.deepEqual(
      block.inputs.map((input) => input.byteLength),
      [4096],
    );
    block.inputs[0]?.fill(1);
    blocks.push(block);
  }
  assert.ok(blocks.length > 10);
  for (const block of blocks) {
    block.free();
    block.free();
  }
  const all = channel.prepare([slot(32_768)]);
  assert.ok(all !== null);
  assert.throws(() => blocks[0]?.submit(), { code: 'FAILED_PRECONDITION' });
  channel.close();
  closeSync(hostSocket);
});

test('a wrong description is refused', async () => {
  const { channel, hostSocket } = await open();
  const { maxTensors, maxRank } = channelLayout().bounds;
  const wrong: TensorSlot[][] = [
    [{ ...slot(4), index: -1 }],
    [{ ...slot(4), index: maxTensors }],
    [{ ...slot(4), byteLength: 0.5 }],
    [{ ...slot(4), byteLength: 2 ** 53 }],
    [slot(4, [-1])],
    [slot(4, [Number.NaN])],
    [slot(4, new Array(maxRank + 1).fill(1))],
    new Array(maxTensors + 1).fill(slot(4)),
  ];
  for (const inputs of wrong) {
    assert.throws(() => channel.prepare(inputs), { code: 'INVALID_ARGUMENT' });
  }
  assert.throws(() => channel.prepare([slot(4)], { outputs: [-1] }), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => channel.prepare([slot(4)], { outputs: [maxTensors] }), {
    code: 'INVALID_ARGUMENT',
  });
  const request = channel.prepare([slot(4)]);
  for (const deadline of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => request?.submit(deadline), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => request?.runSync(deadline), { code: 'INVALID_ARGUMENT' });
  }
  channel.close();
  closeSync(hostSocket);
});

test('every slot taken is TOO_MANY_REQUESTS; an unanswered request is not asked twice', async () => {
  const { channel, hostSocket } = await open();
  const { slots } = channelLayout().bounds;
  const requests = Array.from({ length: slots + 1 }, () => channel.prepare([]));
  const ids = new Set(requests.slice(0, slots).map((request) => request?.submit()));
  assert.equal(ids.size, slots);
  assert.equal(channel.inFlight, slots);
  assert.throws(() => requests[slots]?.submit(), { code: 'TOO_MANY_REQUESTS' });
  assert.throws(() => requests[0]?.submit(), { code: 'FAILED_PRECONDITION' });
  assert.equal(channel.poll(), null);
  assert.equal(channel.spin(10), false);
  channel.close();
  closeSync(hostSocket);
});

test('runSync gives up in time; its block stays busy until it is answered', async () => {
  const { channel, hostSocket } = await open();
  const request = channel.prepare([slot(4)]);
  assert.throws(() => request?.runSync(20), { code: 'DEADLINE_EXCEEDED' });
  assert.equal(channel.inFlight, 1);
  assert.throws(() => request?.runSync(20), { code: 'FAILED_PRECONDITION' });
  request?.free();
  channel.close();
  closeSync(hostSocket);
});

test('a host that is gone ends the wait of runSync', { timeout: 20_000 }, async () => {
  const { channel, hostSocket } = await open();
  const request = channel.prepare([slot(4)]);
  closeSync(hostSocket);
  assert.throws(() => request?.runSync(), { code: 'PLUGIN_CRASHED' });
  assert.equal(channel.state, 'closed');
  assert.equal(channel.closeCode, 'PLUGIN_CRASHED');
  assert.equal(channel.wasBegun(1), false);
  assert.throws(() => channel.prepare([slot(4)])?.submit(), { code: 'PLUGIN_CRASHED' });
  assert.equal(channel.listen(), false);
  channel.close();
  assert.equal(channel.closeCode, 'PLUGIN_CRASHED');
});

test('after close every view is empty and every call an error', async () => {
  const { channel, hostSocket } = await open();
  const request = channel.prepare([slot(400)]);
  const view = request?.inputs[0];
  assert.equal(view?.byteLength, 400);
  channel.close();
  assert.equal(view?.byteLength, 0);
  assert.throws(() => request?.submit(), { code: 'FAILED_PRECONDITION' });
  assert.throws(() => request?.runSync(), { code: 'FAILED_PRECONDITION' });
  assert.throws(() => request?.submitAndSpin(5), { code: 'FAILED_PRECONDITION' });
  assert.throws(() => channel.prepare([]), { code: 'FAILED_PRECONDITION' });
  for (const use of [() => channel.listen(), () => channel.cancel(1), () => channel.inFlight]) {
    assert.throws(use, { code: 'CHANNEL_CLOSED' });
  }
  assert.equal(channel.poll(), null);
  request?.free();
  closeSync(hostSocket);
});

test('handles of other kinds and strange arguments are refused', async () => {
  const binding = nativeBinding();
  const region = binding.regionCreate(4096, 'test', true);
  for (const wrong of [region, {}, null, undefined, 5]) {
    for (const name of ['channelClose', 'channelPrepare', 'channelInFlight'] as const) {
      assert.throws(() => binding[name](wrong as never), { code: 'INVALID_ARGUMENT' });
    }
  }
  binding.regionClose(region);
  const files = await makeFiles();
  const { requestRegion, responseRegion, bell, clientSocket } = files;
  const native = binding.channelOpen(requestRegion, responseRegion, bell, clientSocket, 0);
  for (const wrong of [undefined, 'x', {}, 1n]) {
    assert.throws(() => native.submit(wrong as never, 0), { code: 'INVALID_ARGUMENT' });
  }
  for (const strange of [-1, 0, 7, Number.NaN, 2 ** 53]) {
    assert.ok(native.submit(strange, 0) < 0);
    assert.ok(native.runSync(strange, 1) < 0);
  }
  // A spoiled mailbox harms nobody but its owner.
  native.mailbox.fill(Number.NaN);
  assert.ok(binding.channelPrepare(native.handle) < 0);
  native.mailbox.fill(2 ** 40);
  assert.ok(binding.channelPrepare(native.handle) < 0);
  assert.equal(native.poll(), 0);
  binding.channelClose(native.handle);
  closeSync(files.hostSocket);
});
