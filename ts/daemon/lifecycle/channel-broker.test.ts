import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ClientChannel } from '../../native/client-channel.ts';
import { receiveDescriptors, sendDescriptors, socketPair } from '../../native/fd-socket.ts';
import { limits } from '../../protocol/limits.ts';
import { fakeHost, outcome, until } from '../../testing/fake-plugin/with-host.ts';
import { openOnnxHost } from '../../testing/onnx-host.ts';
import { identityModel } from '../../testing/onnx-models.ts';
import { FakeClock } from '../plugin/fake-clock.ts';
import type { PluginHost } from '../plugin/host.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { ChannelBroker } from './channel-broker.ts';
import type { OpenedChannel } from './channels.ts';
import type { Lifecycle } from './lifecycle.ts';

const options = { timeout: 60_000 };
const modelId = 't/model@1';
const client = { pid: 4_711, uid: 1_000 };

/** A broker for one model that is loaded already; time stands still. */
function brokerFor(host: PluginHost) {
  const clock = new FakeClock();
  const record = { id: modelId, pluginId: host.descriptor.id, digest: 'd' };
  const signature = host.engineModel(modelId)?.signature ?? { inputs: [], outputs: [] };
  const lifecycle = { ready: () => ({ record, host, signature }) } as unknown as Lifecycle;
  const registry = { resolve: () => record } as unknown as ModelRegistry;
  return { broker: new ChannelBroker({ registry, lifecycle, clock }), clock };
}

async function open() {
  const onnx = await openOnnxHost();
  await onnx.load(modelId, identityModel('float32', ['n']));
  return { onnx, ...brokerFor(onnx.host) };
}

/** What a client makes of the descriptors: here they travel to this very process. */
function attach(t: TestContext, opened: OpenedChannel): ClientChannel {
  const pair = socketPair();
  sendDescriptors(pair[0], Uint8Array.of(1), opened.descriptors);
  const fds = receiveDescriptors(pair[1], { maxBytes: 1, maxFds: 4 })?.fds ?? [];
  opened.handedOver();
  const [requestRegion, responseRegion, bell, socket] = fds as [number, number, number, number];
  const channel = ClientChannel.open({ requestRegion, responseRegion, bell, socket });
  t.after(() => channel.close());
  return channel;
}

function run(channel: ClientChannel, list: readonly number[]): number[] {
  const bytes = new Uint8Array(new Float32Array(list).buffer);
  const slot = {
    index: 0,
    dtype: 'float32',
    shape: [list.length],
    byteLength: bytes.length,
  } as const;
  const prepared = channel.prepare([slot]);
  assert.ok(prepared !== null);
  prepared.inputs[0]?.set(bytes);
  const answer = prepared.runSync(20_000);
  assert.equal(answer.code, null, answer.message);
  const copy = new Uint8Array(answer.outputs[0]?.bytes ?? []);
  answer.release();
  prepared.free();
  return [...new Float32Array(copy.buffer)];
}

test(
  'a channel is opened, activated, used, listed and gone with its client',
  options,
  async (t) => {
    const { onnx, broker } = await open();
    await using _ = onnx;
    const opened = await broker.open({ modelId, client });
    const channel = attach(t, opened);
    assert.equal(channel.state, 'opening');
    assert.equal(broker.list()[0]?.active, false);
    await broker.activate(opened.channelId);
    assert.equal(channel.state, 'open');
    assert.deepEqual(run(channel, [1.5, -2]), [1.5, -2]);
    const { channelId, inputBytes, outputBytes } = opened;
    const [{ since = 0, ...info } = {}] = broker.list();
    const ids = { channelId, modelId, pluginId: onnx.host.descriptor.id };
    assert.deepEqual(info, { ...ids, client, active: true, inputBytes, outputBytes });
    assert.ok(Math.abs(since - Date.now()) < 60_000);
    assert.equal(await outcome(broker.activate(channelId)), 'FAILED_PRECONDITION');
    channel.close();
    await until(() => broker.list().length === 0);
    assert.equal(await outcome(broker.revoke(channelId)), 'INVALID_ARGUMENT');
    assert.equal(await outcome(broker.activate(channelId)), 'INVALID_ARGUMENT');
  },
);

test('a revoked channel says why, and the others work on', options, async (t) => {
  const { onnx, broker } = await open();
  await using _ = onnx;
  const opened = [await broker.open({ modelId, client }), await broker.open({ modelId, client })];
  const [one, two] = opened.map((each) => attach(t, each));
  for (const { channelId } of opened) await broker.activate(channelId);
  await broker.revoke(opened[0]?.channelId ?? 0, 'PERMISSION_DENIED');
  one?.checkPeer();
  assert.deepEqual([one?.state, one?.closeCode], ['closed', 'PERMISSION_DENIED']);
  assert.deepEqual(run(two as ClientChannel, [3]), [3]);
  assert.equal(broker.list().length, 1);
});

test('what is not activated in time is taken away', options, async (t) => {
  const { onnx, broker, clock } = await open();
  await using _ = onnx;
  const channel = attach(t, await broker.open({ modelId, client }));
  clock.advance(limits.channelActivateMs - 1);
  assert.equal(broker.list().length, 1);
  clock.advance(1);
  await until(() => broker.list().length === 0);
  channel.checkPeer();
  assert.deepEqual([channel.state, channel.closeCode], ['closed', 'DEADLINE_EXCEEDED']);
});

test('unloading the model and the death of its process end its channels', options, async (t) => {
  const { onnx, broker } = await open();
  await using _ = onnx;
  const first = await broker.open({ modelId, client });
  const channel = attach(t, first);
  await broker.activate(first.channelId);
  await onnx.host.unload(modelId);
  channel.checkPeer();
  assert.deepEqual([channel.state, channel.closeCode], ['closed', 'PLUGIN_UNAVAILABLE']);
  assert.deepEqual(broker.list(), []);

  await onnx.load(modelId, identityModel('float32', ['n']));
  const second = await broker.open({ modelId, client });
  const lost = attach(t, second);
  await broker.activate(second.channelId);
  process.kill(onnx.host.status.pid as number, 'SIGKILL');
  await until(() => broker.list().length === 0);
  lost.checkPeer();
  assert.deepEqual([lost.state, lost.closeCode], ['closed', 'PLUGIN_CRASHED']);
  // It waits for the restart.
  const third = await broker.open({ modelId, client });
  const again = attach(t, third);
  await broker.activate(third.channelId);
  assert.deepEqual(run(again, [7]), [7]);
});

test('sizes, numbers and memory are bounded', options, async () => {
  const { onnx, broker } = await open();
  await using _ = onnx;
  for (const inputBytes of [-1, 0.5, limits.channelArenaBytes + 1]) {
    assert.equal(await outcome(broker.open({ modelId, client, inputBytes })), 'INVALID_ARGUMENT');
  }
  const small = { modelId, client, inputBytes: 1, outputBytes: 1 };
  const opened = await Promise.all(
    Array.from({ length: limits.channelsPerUser }, () => broker.open(small)),
  );
  assert.ok((opened[0]?.inputBytes ?? 0) >= 1);
  assert.equal(await outcome(broker.open(small)), 'TOO_MANY_REQUESTS');
  const other = { ...small, client: { pid: 1, uid: 1_001 } };
  const more = await broker.open(other);
  assert.equal(broker.list().length, limits.channelsPerUser + 1);
  for (const each of [...opened, more]) each.handedOver();
  // Their clients never were: the engine sees it by the closed sockets.
  await until(() => broker.list().length === 0);
});

test('a model without an engine has no channels', options, async (t) => {
  const { host, model } = await fakeHost(t);
  await host.load(await model(modelId));
  const { broker } = brokerFor(host);
  assert.equal(await outcome(broker.open({ modelId, client })), 'UNIMPLEMENTED');
  assert.deepEqual(broker.list(), []);
});
