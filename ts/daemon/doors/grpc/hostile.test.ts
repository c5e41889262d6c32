import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { withGrpcDoor } from '../../../testing/conformance/fake-doors.ts';
import { GrpcCaller } from '../../../testing/conformance/grpc-caller.ts';
import { encodeMessage } from './message-codec.ts';
import { loadProtos } from './protobuf.ts';

// Guards: what a client can say, send and hold has bounds, and the next client is served.

const watchdog = { timeout: 30_000 };
const root = loadProtos();
const infer = 'mlos.v1.InferenceService/Infer';

function caller(t: TestContext, target: string): GrpcCaller {
  const made = new GrpcCaller(target);
  t.after(() => made.close());
  return made;
}

/** Code of a call with these bytes. */
async function codeOf(client: GrpcCaller, bytes: Buffer, path = infer): Promise<unknown> {
  try {
    await client.raw(path, bytes);
    return 'ok';
  } catch (error) {
    return (error as { code: unknown }).code;
  }
}

function silent(t: TestContext, target: string): Promise<Socket> {
  const socket = connectTcp(Number(target.split(':')[1]), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  t.after(() => socket.destroy());
  return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
}

const closed = (socket: Socket) =>
  socket.destroyed || new Promise((resolve) => socket.once('close', resolve));

test('bytes that are no message are INVALID_FRAME', watchdog, async (t) => {
  await withGrpcDoor({}, async (targets) => {
    const client = caller(t, targets['grpc-tcp']);
    const tag = (type: string, name: string) => {
      const field = root.lookupType(type).fields[name];
      assert.ok(field, name);
      return field.id * 8 + 2;
    };
    const inputsTag = tag('mlos.v1.InferRequest', 'inputs');
    const inputs = (count: number) => Buffer.alloc(2 * count, Buffer.from([inputsTag, 0x00]));
    const lists = [
      tag('google.protobuf.ListValue', 'values'),
      tag('google.protobuf.Value', 'listValue'),
    ];
    const deep = (levels: number) => {
      let bytes = Buffer.alloc(0);
      const wrap = (field: number) => {
        const length: number[] = [];
        let rest = bytes.length;
        for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
        bytes = Buffer.concat([Buffer.from([field, ...length, rest]), bytes]);
      };
      for (let i = 0; i < levels; i++) for (const field of lists) wrap(field);
      for (const field of [tag('mlos.v1.NamedTensor', 'json'), inputsTag]) wrap(field);
      return bytes;
    };
    const cases: Record<string, Buffer> = {
      'a tag without a value': Buffer.from([0x0a]),
      'a length past the end': Buffer.from([0x0a, 0x7f, 0x61]),
      'a length of 2^63': Buffer.from([0x0a, ...Array(8).fill(0xff), 0x7f]),
      'an endless number': Buffer.alloc(64, 0xff),
      'a group': Buffer.from([0x0b, 0x0c]),
      'wire type 7': Buffer.from([0x0f]),
      'two million inputs in 4 MB': inputs(2_000_000),
      'a list in a list, 10,000 deep': deep(10_000),
    };
    for (const [name, bytes] of Object.entries(cases)) {
      assert.equal(await codeOf(client, bytes), 'INVALID_FRAME', name);
    }
    assert.equal(await codeOf(client, deep(15)), 'MODEL_NOT_FOUND', 'within the bounds');
    assert.equal(await codeOf(client, Buffer.alloc(0), 'mlos.v1.HealthService/GetHealth'), 'ok');
  });
});

test('a message over the limit is refused, whole or compressed', watchdog, async (t) => {
  await withGrpcDoor({ maxMessageBytes: 100_000 }, async (targets) => {
    const client = caller(t, targets['grpc-tcp']);
    const type = root.lookupType('mlos.v1.InferRequest');
    const data = (bytes: number) =>
      encodeMessage(type, {
        model_id: 'hf/double@latest',
        inputs: [{ name: 'x', tensor: { shape: [1, bytes / 8], data: Buffer.alloc(bytes) } }],
      });
    assert.equal(await codeOf(client, data(80_000)), 'ok');
    assert.equal(await codeOf(client, data(100_000)), 8);
    assert.equal(await codeOf(client, data(80_000)), 'ok');
  });
});

test(
  'a connection without a call, and a call without its message, are cut',
  watchdog,
  async (t) => {
    await withGrpcDoor({ maxIdleMs: 300 }, async (targets, _dispatcher, door) => {
      const half = await silent(t, targets['grpc-tcp']);
      half.write('PRI * HTTP/2.0\r\n');
      const nothing = await silent(t, targets['grpc-tcp']);
      const session = connectHttp2(`http://${targets['grpc-tcp']}`);
      t.after(() => session.destroy());
      const stream = session.request({
        ':method': 'POST',
        ':path': `/${infer}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const trailers = new Promise<Record<string, unknown>>((resolve) => {
        stream.on('response', resolve);
      });
      stream.write(Buffer.from([0, 0, 0, 1]));
      stream.resume();
      const head = await trailers;
      assert.equal(head['grpc-status'], '4');
      assert.equal(head['mlos-code'], 'DEADLINE_EXCEEDED');
      await Promise.all([half, nothing].map(closed));
      while (door.connections > 0) await delay(10);
    });
  },
);

test(
  'messages that are not whole share a bound over all connections; what ended is free again',
  watchdog,
  async (t) => {
    await withGrpcDoor({ maxPartialMessagesBytes: 100_000 }, async (targets) => {
      const half = (path: string) => {
        const session = connectHttp2(`http://${targets['grpc-tcp']}`);
        t.after(() => session.destroy());
        const stream = session.request({
          ':method': 'POST',
          ':path': `/${path}`,
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        stream.on('error', () => undefined);
        const announced = Buffer.from([0, 0, 1, 0, 0]);
        stream.write(Buffer.concat([announced, Buffer.alloc(50_000)]));
        stream.resume();
        const status = new Promise<Record<string, unknown>>((resolve) => {
          stream.on('response', resolve);
        });
        return { session, status };
      };
      const client = caller(t, targets['grpc-tcp']);
      const held = half(infer);
      await delay(100);
      for (const path of [infer, 'mlos.v1.InferenceService/InferStream']) {
        const over = await half(path).status;
        assert.equal(over['grpc-status'], '8', path);
        assert.equal(over['mlos-code'], 'TOO_MANY_REQUESTS', path);
      }
      assert.deepEqual(await client.call('health.live', {}), { live: true });
      held.session.destroy();
      // What was refused counts until its stream is closed.
      await delay(1_500);
      const again = half(infer);
      const refusal = await Promise.race([again.status, delay(200, null)]);
      assert.equal(refusal, null, 'what ended is free again');
    });
  },
);

test('no more connections than the limit; the others stay', watchdog, async (t) => {
  await withGrpcDoor({ maxConnections: 3 }, async (targets, _dispatcher, door) => {
    const client = caller(t, targets['grpc-tcp']);
    await client.call('health.live', {});
    const sockets = await Promise.all([1, 2, 3, 4].map(() => silent(t, targets['grpc-tcp'])));
    while (sockets.filter((socket) => socket.destroyed).length < 2) await delay(10);
    assert.equal(door.connections, 3);
    await client.call('health.live', {});
  });
});

test(
  'floods of pings, settings and resets end the connection or are borne',
  watchdog,
  async (t) => {
    const preface = Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    ]);
    const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const reset = (stream: number) => Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 8]);
    const floods = {
      pings: Buffer.alloc(17 * 20_000, ping),
      settings: Buffer.alloc(9 * 20_000, settings),
      resets: Buffer.alloc(13 * 20_000, reset(1)),
    };
    await withGrpcDoor({}, async (targets) => {
      const client = caller(t, targets['grpc-tcp']);
      for (const [name, flood] of Object.entries(floods)) {
        // A client that reads nothing: what answers it would fill the memory.
        const socket = await silent(t, targets['grpc-tcp']);
        socket.pause();
        socket.write(preface);
        for (let i = 0; i < 20 && !socket.destroyed; i++) socket.write(flood);
        await delay(100);
        assert.deepEqual(await client.call('health.live', {}), { live: true }, name);
        socket.destroy();
      }
      assert.ok(process.memoryUsage().rss < 1024 ** 3);
    });
  },
);
