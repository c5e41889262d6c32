import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { descriptorOf, isPeerGone, peerCredentials } from '../../../native/fd-socket.ts';
import { onReadable } from '../../../native/readable.ts';
import { Region } from '../../../native/region.ts';
import { DescriptorClient, requestFrame } from '../../../testing/conformance/descriptor-client.ts';
import { withIpcDoor } from '../../../testing/conformance/fake-doors.ts';
import { readAnswers } from '../../../testing/conformance/ipc-frames.ts';
import { rawExchange } from '../../../testing/conformance/raw-exchange.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { RequestContext } from '../../request-context.ts';
import type { IpcDoorOptions } from './server.ts';

// Guards: descriptors reach the frame that they belong to, in both directions, and none is ever left
// open, whoever vanishes, lies or floods.

const watchdog = { timeout: 60_000 };
const kernel: Partial<IpcDoorOptions> = {
  peerOf: (socket) => peerCredentials(descriptorOf(socket)),
  isGone: (socket) => isPeerGone(descriptorOf(socket)),
};

// The thread that watches descriptors has some of its own, from the first watch on.
onReadable(0, () => undefined).cancel();

function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Operations that touch nothing but descriptors. */
class Operations implements Dispatcher {
  released = 0;
  aborted = 0;

  call(method: string, params: unknown, context: RequestContext): unknown {
    const given = params as Record<string, number>;
    switch (method) {
      case 'take':
        context.caller?.takeDescriptors();
        return { taken: context.caller !== null, uid: context.caller?.peer.uid ?? null };
      case 'give':
        return this.#give(given, context);
      case 'read':
        return this.#read(given, context);
      case 'count':
        return { count: context.files?.count ?? 0 };
      default:
        return { bytes: Buffer.alloc(given['bytes'] ?? 0) };
    }
  }

  async #give({ count = 1, ms = 0, bytes = 0 }: Record<string, number>, context: RequestContext) {
    const descriptors = Array.from({ length: count }, () => openSync('/dev/null', 'r'));
    if (ms > 0) await delay(ms);
    if (context.aborted) this.aborted += 1;
    context.answerWith({
      descriptors,
      release: () => {
        this.released += 1;
        for (const fd of descriptors) closeSync(fd);
      },
    });
    return { count, padding: Buffer.alloc(bytes) };
  }

  async #read({ index = 0, offset = 0, length = 0, ms = 0 }, context: RequestContext) {
    if (ms > 0) await delay(ms);
    return { bytes: context.files?.read(index, offset, length) };
  }
}

async function withDoor(
  options: Partial<IpcDoorOptions>,
  body: (path: string, operations: Operations) => Promise<void>,
): Promise<void> {
  const before = openFds();
  const dispatcher = new Operations();
  await withIpcDoor({ ...kernel, dispatcher, ...options }, (path) => body(path, dispatcher));
  assert.equal(openFds(), before, 'descriptors are left open');
}

/** A sealed memfd that holds 0, 1, 2 … 255, 0 …; its descriptor is the region's. */
function sealedRegion(byteLength = 4096): Region {
  const region = Region.create({ byteLength });
  region.view().forEach((_, index, view) => {
    view[index] = index % 256;
  });
  region.seal();
  return region;
}

test('an answer carries descriptors', watchdog, async () => {
  await withDoor({}, async (path, operations) => {
    const client = new DescriptorClient(path);
    const got = await client.request(1, 'give', { count: 4 });
    assert.deepEqual(got?.answer.slice(0, 2), [1, null]);
    assert.equal(got?.fds.length, 4);
    for (const fd of got?.fds ?? []) {
      assert.equal(fstatSync(fd).rdev, statSync('/dev/null').rdev);
      closeSync(fd);
    }
    assert.equal(operations.released, 1);
    client.close();
  });
});

test('answers keep their descriptors and their bytes among others', watchdog, async () => {
  await withDoor({}, async (path, operations) => {
    const client = new DescriptorClient(path);
    const frames = Array.from({ length: 60 }, (_, id) =>
      id % 3 === 0
        ? requestFrame(id, 'give', { count: 1 + (id % 4), bytes: id % 2 === 0 ? 200_000 : 0 })
        : requestFrame(id, 'none', { bytes: 50_000 }),
    );
    client.send(Buffer.concat(frames));
    for (let seen = 0; seen < frames.length; seen++) {
      const got = await client.next();
      const [id, , result] = got?.answer ?? [];
      const { count = 0 } = (result ?? {}) as { count?: number };
      assert.equal(got?.fds.length, (id as number) % 3 === 0 ? count : 0, `answer ${id}`);
      for (const fd of got?.fds ?? []) closeSync(fd);
    }
    assert.equal(operations.released, 20);
    client.close();
  });
});

test('what waits for a client that does not read is released when it goes', watchdog, async () => {
  await withDoor({}, async (path, operations) => {
    const client = new DescriptorClient(path);
    client.send(requestFrame(0, 'none', { bytes: 900_000 }));
    for (let id = 1; id <= 20; id++) client.send(requestFrame(id, 'give', { count: 3 }));
    await delay(100);
    assert.equal(operations.released, 0, 'nothing can be sent while earlier bytes wait');
    client.close();
    await delay(100);
    assert.equal(operations.released, 20);
  });
});

test('what is ready after its client has gone is released', watchdog, async () => {
  await withDoor({}, async (path, operations) => {
    for (let round = 0; round < 10; round++) {
      const client = new DescriptorClient(path);
      client.send(requestFrame(1, 'give', { count: 4, ms: 200 }));
      await delay(10);
      client.close();
    }
    await delay(300);
    assert.deepEqual([operations.aborted, operations.released], [10, 10]);
  });
});

test('a client that the kernel does not name passes no descriptors', watchdog, async () => {
  const dispatcher = new Operations();
  await withIpcDoor({ dispatcher }, async (path) => {
    const client = new DescriptorClient(path);
    const got = await client.request(1, 'take');
    assert.deepEqual(got?.answer[2], { taken: false, uid: null });
    client.close();
  });
});

test('a request carries descriptors once they were asked for', watchdog, async () => {
  await withDoor({}, async (path) => {
    using region = sealedRegion();
    const client = new DescriptorClient(path);
    const early = await client.request(0, 'count', {}, [region.fd]);
    assert.deepEqual(early?.answer[2], { count: 0 }, 'before that they are dropped');
    const taken = await client.request(1, 'take');
    assert.deepEqual(taken?.answer[2], { taken: true, uid: process.getuid?.() });
    const got = await client.request(2, 'read', { index: 0, offset: 254, length: 4 }, [region.fd]);
    assert.deepEqual(got?.answer, [2, null, { bytes: Buffer.from([254, 255, 0, 1]) }]);
    assert.deepEqual((await client.request(3, 'count'))?.answer[2], { count: 0 });
    client.close();
  });
});

test('descriptors belong to the frame whose first byte they came with', watchdog, async () => {
  await withDoor({}, async (path) => {
    using region = sealedRegion();
    const client = new DescriptorClient(path);
    await client.request(0, 'take');
    // A frame without any, at once one with two, then one message with two frames and one descriptor.
    client.send(requestFrame(1, 'count'));
    client.send(requestFrame(2, 'count'), [region.fd, region.fd]);
    client.send(Buffer.concat([requestFrame(3, 'count'), requestFrame(4, 'count')]), [region.fd]);
    const whole = requestFrame(5, 'count');
    client.send(whole.subarray(0, 1), [region.fd, region.fd, region.fd]);
    for (const byte of whole.subarray(1)) {
      client.send(Buffer.from([byte]));
      await delay(1);
    }
    const counts: unknown[] = [];
    for (let id = 1; id <= 5; id++) counts.push((await client.next())?.answer[2]);
    assert.deepEqual(
      counts,
      [0, 2, 1, 0, 3].map((count) => ({ count })),
    );
    client.close();
  });
});

test(
  'a memfd that could change under us, or is none, is refused; the connection goes on',
  watchdog,
  async () => {
    await withDoor({}, async (path) => {
      using region = sealedRegion();
      using unsealed = Region.create({ byteLength: 4096 });
      using sparse = Region.create({ byteLength: 1 << 20, populate: false });
      sparse.seal();
      const file = openSync('/proc/self/exe', 'r');
      const client = new DescriptorClient(path);
      await client.request(0, 'take');
      const fds = [region.fd, unsealed.fd, sparse.fd, file];
      const cases: [params: object, why: RegExp][] = [
        [{ index: 4, length: 1 }, /index is 4, but 4 descriptor/],
        [{ index: -1, length: 1 }, /index is -1/],
        [{ index: 0, offset: 4000, length: 97 }, /4096 bytes, but 97 from 4000/],
        [{ index: 0, offset: 2 ** 53 - 1, length: 2 ** 32 }, /4096 bytes/],
        [{ index: 1, length: 1 }, /memfd 1 is not taken/],
        [{ index: 2, length: 1 }, /memfd 2 is not taken/],
        [{ index: 3, length: 1 }, /memfd 3 is not taken/],
      ];
      for (const [params, why] of cases) {
        const got = await client.request(1, 'read', params, fds);
        const error = got?.answer[1] as { code: string; message: string };
        assert.equal(error?.code, 'INVALID_ARGUMENT');
        assert.match(error.message, why);
      }
      const fine = await client.request(2, 'read', { length: 2 }, fds);
      assert.deepEqual(fine?.answer[2], { bytes: Buffer.from([0, 1]) });
      closeSync(file);
      client.close();
    });
  },
);

test('descriptors within a frame end the connection', watchdog, async () => {
  await withDoor({}, async (path) => {
    using region = sealedRegion();
    const sixteen = Array.from({ length: 16 }, () => region.fd);
    for (const at of [1, 3, 4, 8]) {
      const client = new DescriptorClient(path);
      await client.request(0, 'take');
      const bytes = requestFrame(1, 'count');
      client.send(bytes.subarray(0, at), sixteen);
      client.send(bytes.subarray(at), sixteen);
      const got = await client.next();
      assert.equal(got?.answer[1]?.code, 'INVALID_FRAME', `at byte ${at}`);
      // What it still sends is dropped, with its descriptors.
      client.send(Buffer.alloc(100), sixteen);
      assert.equal(await client.next(), null);
      client.close();
    }
    await delay(50);
  });
});

test('a flood of descriptors is refused while too many are held', watchdog, async () => {
  await withDoor({ maxHeldDescriptors: 5 }, async (path) => {
    using region = sealedRegion();
    const three = [region.fd, region.fd, region.fd];
    const client = new DescriptorClient(path);
    await client.request(0, 'take');
    for (const id of [1, 2, 3]) client.send(requestFrame(id, 'read', { length: 1, ms: 80 }), three);
    const codes = new Map<unknown, unknown>();
    for (let seen = 0; seen < 3; seen++) {
      const got = await client.next();
      codes.set(got?.answer[0], got?.answer[1]?.code ?? 'ok');
    }
    assert.deepEqual(
      [1, 2, 3].map((id) => codes.get(id)),
      ['ok', 'TOO_MANY_REQUESTS', 'TOO_MANY_REQUESTS'],
    );
    const after = await client.request(4, 'read', { length: 1 }, three);
    assert.equal(after?.answer[1], null, 'what was held is given back');
    client.close();
  });
});

test('pipelined requests wait for their turn with their descriptors', watchdog, async () => {
  await withDoor({}, async (path) => {
    using region = sealedRegion();
    const client = new DescriptorClient(path);
    await client.request('take', 'take');
    const count = 700;
    const sendAll = async () => {
      for (let id = 0; id < count; id++) {
        const params = { offset: id % 256, length: 1, ms: 5 };
        await client.sendWhole(requestFrame(id, 'read', params), [region.fd]);
      }
    };
    const sent = sendAll();
    const seen = new Set<unknown>();
    for (let answers = 0; answers < count; answers++) {
      const [id, error, result] = (await client.next())?.answer ?? [];
      assert.equal(error, null);
      assert.deepEqual(result, { bytes: Buffer.from([(id as number) % 256]) });
      seen.add(id);
    }
    assert.equal(seen.size, count);
    await sent;
    client.close();
  });
});

test('clients that vanish at any point leave nothing open', watchdog, async () => {
  await withDoor({ frameStallMs: 200 }, async (path) => {
    using region = sealedRegion();
    const whole = requestFrame(1, 'read', { length: 1, ms: 5 });
    for (let round = 0; round < 200; round++) {
      const client = new DescriptorClient(path);
      if (round % 4 !== 3) await client.request(0, 'take');
      const cut = round % (whole.length + 1);
      if (cut > 0) client.send(whole.subarray(0, cut), [region.fd, region.fd]);
      if (cut === whole.length && round % 2 === 0) await client.next();
      client.close();
    }
    await delay(400);
  });
});

test('a frame that stands still is given up with its descriptors', watchdog, async () => {
  await withDoor({ frameStallMs: 100 }, async (path) => {
    using region = sealedRegion();
    const client = new DescriptorClient(path);
    await client.request(0, 'take');
    client.send(requestFrame(1, 'count').subarray(0, 6), [region.fd]);
    assert.equal((await client.next())?.answer[1]?.code, 'INVALID_FRAME');
    assert.equal(await client.next(), null);
    client.close();
  });
});

test('who ends their side still gets every answer', watchdog, async () => {
  await withDoor({}, async (path) => {
    const requests = Array.from({ length: 400 }, (_, id) =>
      requestFrame(id, 'give', { count: 0, ms: 5 }),
    );
    const parts = [requestFrame('take', 'take'), Buffer.concat(requests)];
    const { received, closed } = await rawExchange({ path }, parts, { gapMs: 50, end: true });
    assert.ok(closed);
    assert.equal(readAnswers(received).length, 401);
  });
});

test('a frame that its client ends within is refused', watchdog, async () => {
  await withDoor({}, async (path) => {
    const parts = [requestFrame(0, 'take'), requestFrame(1, 'count').subarray(0, 7)];
    const { received, closed } = await rawExchange({ path }, parts, { gapMs: 50, end: true });
    assert.ok(closed);
    const [, [, error] = []] = readAnswers(received);
    assert.equal((error as { code?: string } | undefined)?.code, 'INVALID_FRAME');
  });
});

test('what is asked in one piece with the wish for descriptors is answered', watchdog, async () => {
  await withDoor({}, async (path) => {
    using region = sealedRegion();
    const client = new DescriptorClient(path);
    const third = requestFrame(3, 'count');
    const ids = [1, 2].map((id) => requestFrame(id, 'count'));
    client.send(Buffer.concat([requestFrame(0, 'take'), ...ids, third.subarray(0, 5)]));
    for (const id of [0, 1, 2]) assert.equal((await client.next())?.answer[0], id);
    client.send(third.subarray(5));
    assert.equal((await client.next())?.answer[0], 3);
    const got = await client.request(4, 'count', {}, [region.fd]);
    assert.deepEqual(got?.answer[2], { count: 1 });
    client.close();
  });
});
