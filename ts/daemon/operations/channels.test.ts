import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { descriptorOf, peerCredentials } from '../../native/fd-socket.ts';
import { onReadable } from '../../native/readable.ts';
import { MlosError } from '../../protocol/errors.ts';
import { DescriptorClient } from '../../testing/conformance/descriptor-client.ts';
import { withFolder, withIpcDoor } from '../../testing/conformance/fake-doors.ts';
import type { Dispatcher } from '../dispatcher.ts';
import type {
  ChannelInfo,
  ChannelRequest,
  Channels,
  OpenedChannel,
} from '../lifecycle/channels.ts';
import type { RequestContext } from '../request-context.ts';
import { channelOperations } from './channels.ts';

// Guards: who attaches gets the four descriptors in their order, only they can activate the channel, and
// the daemon's own copies are let go of once.

const watchdog = { timeout: 30_000 };
onReadable(0, () => undefined).cancel(); // Its thread has descriptors of its own from here on.

/** Files for regions: their names tell which is which. */
class FakeChannels implements Channels {
  readonly activated: number[] = [];
  readonly revoked: unknown[] = [];
  readonly requests: ChannelRequest[] = [];
  handedOver = 0;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(request: ChannelRequest): Promise<OpenedChannel> {
    this.requests.push(request);
    if (request.modelId === 'no/model') throw new MlosError('MODEL_NOT_FOUND', 'There is none.');
    const descriptors = ['request', 'response', 'bell', 'socket'].map((name) => {
      const path = join(this.#folder, name);
      writeFileSync(path, name);
      return openSync(path, 'r');
    }) as [number, number, number, number];
    return {
      channelId: 40 + this.requests.length,
      ...{ modelId: 'c/x@1', modelVersion: 'ab', pluginId: 'onnx@1.0.0' },
      signature: {
        inputs: [{ name: 'x', dtype: 'float32', shape: [-1], dims: ['n'] }],
        outputs: [],
      },
      ...{ inputBytes: 65_536, outputBytes: 131_072, spinUs: 50, descriptors },
      handedOver: () => {
        this.handedOver += 1;
        for (const fd of descriptors) closeSync(fd);
      },
    };
  }

  async activate(channelId: number): Promise<void> {
    this.activated.push(channelId);
  }

  async revoke(channelId: number, code?: string): Promise<void> {
    this.revoked.push([channelId, code]);
  }

  list(): readonly ChannelInfo[] {
    return this.activated.map((channelId) => ({
      ...{ channelId, modelId: 'c/x@1', pluginId: 'onnx@1.0.0', client: { pid: null, uid: 7 } },
      ...{ since: 0, active: true, inputBytes: 1, outputBytes: 2 },
    }));
  }
}

async function withChannels(
  body: (path: string, channels: FakeChannels) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const channels = new FakeChannels(folder);
    const state = { doors: new Map(), draining: false };
    const operations = channelOperations({ channels, state }) as Record<string, unknown>;
    const dispatcher: Dispatcher = {
      call: (method, params, context) =>
        (operations[method] as (params: unknown, context: RequestContext) => unknown)(
          params,
          context,
        ),
    };
    const peerOf = (socket: object) => peerCredentials(descriptorOf(socket));
    const before = readdirSync('/proc/self/fd').length;
    await withIpcDoor({ dispatcher, peerOf }, (path) => body(path, channels));
    assert.equal(readdirSync('/proc/self/fd').length, before, 'descriptors are left open');
  });
}

test('attach, activate, list, revoke', watchdog, async () => {
  await withChannels(async (path, channels) => {
    const client = new DescriptorClient(path);
    const params = { model_id: 'c/x', input_bytes: 1000, priority: 'high' };
    const got = await client.request(1, 'models.attach', params);
    assert.deepEqual(got?.answer[2], {
      status: 'success',
      channel_id: 41,
      ...{ model_id: 'c/x@1', model_version: 'ab', plugin_id: 'onnx@1.0.0' },
      signature: {
        inputs: [{ name: 'x', dtype: 'float32', shape: [-1], dims: ['n'] }],
        outputs: [],
      },
      ...{ input_bytes: 65_536, output_bytes: 131_072, spin_us: 50 },
    });
    const names = got?.fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`).split('/').at(-1));
    assert.deepEqual(names, ['request', 'response', 'bell', 'socket']);
    for (const fd of got?.fds ?? []) closeSync(fd);
    assert.equal(channels.handedOver, 1);
    assert.deepEqual(channels.requests, [
      {
        ...{ modelId: 'c/x', inputBytes: 1000, priority: 'high' },
        client: { pid: process.pid, uid: process.getuid?.() },
      },
    ]);

    const stranger = new DescriptorClient(path);
    const stolen = await stranger.request(1, 'channels.activate', { channel_id: 41 });
    assert.equal(stolen?.answer[1]?.code, 'FAILED_PRECONDITION');
    assert.deepEqual(channels.activated, []);
    const activated = await client.request(2, 'channels.activate', { channel_id: 41 });
    assert.deepEqual(activated?.answer[2], { status: 'success', channel_id: 41 });
    const again = await client.request(3, 'channels.activate', { channel_id: 41 });
    assert.equal(again?.answer[1]?.code, 'FAILED_PRECONDITION');
    assert.deepEqual(channels.activated, [41]);

    const list = await stranger.request(2, 'channels.list');
    assert.deepEqual((list?.answer[2] as { channels?: unknown } | undefined)?.channels, [
      {
        ...{ channel_id: 41, model_id: 'c/x@1', plugin_id: 'onnx@1.0.0', pid: null, uid: 7 },
        ...{ since: '1970-01-01T00:00:00.000Z', active: true, input_bytes: 1, output_bytes: 2 },
      },
    ]);
    await stranger.request(3, 'channels.revoke', { channel_id: 41 });
    assert.deepEqual(channels.revoked, [[41, 'PERMISSION_DENIED']]);
    client.close();
    stranger.close();
  });
});

test('a refused attach passes nothing', watchdog, async () => {
  await withChannels(async (path, channels) => {
    const client = new DescriptorClient(path);
    const got = await client.request(1, 'models.attach', { model_id: 'no/model' });
    assert.deepEqual([got?.answer[1]?.code, got?.fds], ['MODEL_NOT_FOUND', []]);
    assert.equal(channels.handedOver, 0);
    client.close();
  });
});
