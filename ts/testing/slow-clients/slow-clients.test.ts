import assert from 'node:assert/strict';
import { connect, type NetConnectOpts } from 'node:net';
import { test } from 'node:test';
import { frame } from '../../protocol/frame.ts';
import { encodeMsgpack } from '../../protocol/msgpack.ts';
import {
  adaptersHere,
  withGrpcDoor,
  withHttpDoor,
  withIpcDoor,
} from '../conformance/fake-doors.ts';
import { GrpcCaller } from '../conformance/grpc-caller.ts';
import { readHttpAnswer } from '../conformance/http-requests.ts';
import { rawExchange } from '../conformance/raw-exchange.ts';
import { type SlowDoor, type SlowForm, slowForms } from './forms.ts';

// Guards: the server ends every connection that begins a request and does not end it, and answers the
// others meanwhile. The watchdog is far above the limits; nothing here measures.

const watchdog = { timeout: 120_000 };
const clientsOfEach = 5;
const dripMs = 30;

/** Until the server ends it. */
function ended(place: NetConnectOpts, { first, drips }: SlowForm): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(place);
    let next = 0;
    const timer = setInterval(() => {
      const drip = drips[next++];
      if (drip !== undefined) socket.write(drip);
    }, dripMs);
    // A reset is an end like another.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      resolve();
    });
    socket.resume();
    socket.write(first);
  });
}

/** Slow clients in each form at a place, and good ones until all of those are gone. */
async function besides(
  place: NetConnectOpts,
  door: SlowDoor,
  askWell: () => Promise<void>,
): Promise<void> {
  const slow = slowForms[door].flatMap((form) =>
    Array.from({ length: clientsOfEach }, () => ended(place, form)),
  );
  let areGone = false;
  const gone = Promise.all(slow).then(() => {
    areGone = true;
  });
  while (!areGone) await askWell();
  await gone;
}

for (const adapter of adaptersHere) {
  test(`slow clients of HTTP on ${adapter} are cut, good ones answered`, watchdog, async () => {
    await withHttpDoor({ adapter }, async ({ port }) => {
      const place = { host: '127.0.0.1', port };
      await besides(place, 'http', async () => {
        const request = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';
        const until = (bytes: Buffer) => readHttpAnswer(bytes) !== null;
        const { received } = await rawExchange(place, [request], { until });
        assert.equal(readHttpAnswer(received)?.status, 200);
      });
    });
  });
}

test('slow clients of gRPC are cut, good ones answered', watchdog, async () => {
  await withGrpcDoor({ maxIdleMs: 1_000 }, async (targets, _dispatcher, door) => {
    const client = new GrpcCaller(targets['grpc-tcp']);
    try {
      await besides({ host: '127.0.0.1', port: door.port }, 'grpc', async () => {
        assert.deepEqual(await client.call('health.live', {}), { live: true });
      });
    } finally {
      client.close();
    }
  });
});

test('slow clients of the socket are cut, good ones answered', watchdog, async () => {
  await withIpcDoor({ frameStallMs: 1_000 }, async (path) => {
    await besides({ path }, 'socket', async () => {
      const health = frame(encodeMsgpack([1, 'health.get']));
      const { received } = await rawExchange({ path }, [health], { end: true });
      assert.ok(received.byteLength > 0);
    });
  });
});
