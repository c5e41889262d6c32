import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { MlosError } from '../../../protocol/errors.ts';
import { frame } from '../../../protocol/frame.ts';
import { limits } from '../../../protocol/limits.ts';
import { encodeMsgpack } from '../../../protocol/msgpack.ts';
import { withIpcDoor } from '../../../testing/conformance/fake-doors.ts';
import { readAnswers } from '../../../testing/conformance/ipc-frames.ts';
import { rawExchange } from '../../../testing/conformance/raw-exchange.ts';

// Guards: pipelining, bounds and back-pressure of the IPC socket.

const watchdog = { timeout: 60_000 };
const model_id = 'hf/double@latest';

function request(id: number | string, method: string, params?: unknown): Buffer {
  return frame(encodeMsgpack(params === undefined ? [id, method] : [id, method, params]));
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('answers come as they are ready, each with its id', watchdog, async () => {
  await withIpcDoor({}, async (path) => {
    const bytes = Buffer.concat([
      request('slow', 'models.infer', { sleep_ms: 100, echo: 1 }),
      request(Number.MAX_SAFE_INTEGER, 'health.get'),
      request(0, 'no.such.method', {}),
    ]);
    const { received } = await rawExchange({ path }, [bytes], { end: true });
    const answers = readAnswers(received);
    assert.deepEqual(
      answers.map(([id]) => id),
      [Number.MAX_SAFE_INTEGER, 0, 'slow'],
    );
    const [, [, error, result] = [], [, none] = []] = answers;
    assert.equal((error as { code: string }).code, 'UNKNOWN_METHOD');
    assert.deepEqual([result, none], [null, null]);
  });
});

test('a frame may come byte by byte', watchdog, async () => {
  await withIpcDoor({}, async (path) => {
    const parts = Array.from(request(1, 'health.get'), (byte) => Buffer.from([byte]));
    const { received } = await rawExchange({ path }, parts, { gapMs: 1, end: true });
    assert.equal(readAnswers(received).length, 1);
  });
});

test('who ends their side still gets every answer', watchdog, async () => {
  await withIpcDoor({}, async (path) => {
    const requests = Array.from({ length: 1_000 }, (_, id) =>
      request(id, 'models.infer', { sleep_ms: 1, echo: id }),
    );
    const { received, closed } = await rawExchange({ path }, [Buffer.concat(requests)], {
      end: true,
    });
    assert.ok(closed);
    assert.equal(readAnswers(received).length, 1_000);
  });
});

test('no more than the limit are under way', watchdog, async () => {
  await withIpcDoor({}, async (path, dispatcher) => {
    const count = limits.ipcInFlight * 3;
    const requests = Array.from({ length: count }, (_, id) =>
      request(id, 'models.infer', { sleep_ms: 20, echo: 1 }),
    );
    const { received } = await rawExchange({ path }, [Buffer.concat(requests)], { end: true });
    assert.equal(readAnswers(received).length, count);
    assert.equal(dispatcher.activeMost, limits.ipcInFlight);
  });
});

test('who cancels is answered once, and nobody else is disturbed', watchdog, async () => {
  await withIpcDoor({}, async (path, dispatcher) => {
    const sleeping = (id: number) => request(id, 'models.infer', { sleep_ms: 30_000, echo: 1 });
    const cancel = (id: number | string) => frame(encodeMsgpack([id, null]));
    // As many as may be under way: the cancel passes all the same.
    const many = Array.from({ length: limits.ipcInFlight }, (_, id) => sleeping(id));
    const { received, closed } = await rawExchange(
      { path },
      [
        Buffer.concat(many),
        cancel('nobody'),
        cancel(7),
        cancel(7),
        Buffer.concat(many.map((_, id) => cancel(id))),
        request('next', 'health.live'),
      ],
      { end: true, gapMs: 50 },
    );
    assert.ok(closed);
    const answers = readAnswers(received);
    const [[id, error] = []] = answers;
    assert.deepEqual([id, (error as { code: string }).code], [7, 'CANCELLED']);
    assert.deepEqual(
      answers.map(([id]) => String(id)).sort(),
      ['next', ...many.keys()].map(String).sort(),
    );
    assert.equal(dispatcher.aborted, many.length);
  });
});

test('a client that does not read is not read from', watchdog, async () => {
  await withIpcDoor({}, async (path, dispatcher) => {
    const socket = connect(path);
    socket.on('error', () => undefined);
    socket.pause();
    const one = request(1, 'models.infer', { model_id, bytes: 100_000 });
    socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => one)));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const most = limits.ipcInFlight + 200;
    assert.ok(dispatcher.calls <= most, `${dispatcher.calls} of 20,000 were run`);
    socket.destroy();
  });
});

test('a peer that is refused reads why', watchdog, async () => {
  const peerOf = () => {
    throw new MlosError('PERMISSION_DENIED', 'Not you.');
  };
  await withIpcDoor({ peerOf }, async (path, dispatcher) => {
    const { received, closed } = await rawExchange({ path }, [request(1, 'health.get')]);
    assert.ok(closed);
    assert.deepEqual(readAnswers(received), [
      [null, { code: 'PERMISSION_DENIED', message: 'Not you.' }, null],
    ]);
    assert.equal(dispatcher.calls, 0);
  });
});

test('close answers what is under way', watchdog, async () => {
  await withIpcDoor({}, async (path, _, door) => {
    const exchange = rawExchange({ path }, [
      request(1, 'models.infer', { sleep_ms: 200, echo: 1 }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 80));
    await door.close();
    const { received, closed } = await exchange;
    assert.ok(closed);
    assert.equal(readAnswers(received).length, 1);
  });
});

test('10,000 bad frames leave descriptors and memory as they were', watchdog, async () => {
  await withIpcDoor({}, async (path) => {
    const bad = [
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      frame(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
      request(1, 'health.get').subarray(0, 7),
      frame(encodeMsgpack([1, 2])),
    ];
    const flood = async (count: number) => {
      for (let sent = 0; sent < count; sent += 50) {
        const batch = Array.from({ length: 50 }, (_, i) =>
          rawExchange({ path }, [bad[i % bad.length] ?? Buffer.alloc(0)], { end: true }),
        );
        await Promise.all(batch);
      }
    };
    await flood(1_000);
    const before = { fds: descriptors(), rss: process.memoryUsage().rss };
    await flood(10_000);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(descriptors() <= before.fds + 20, `${before.fds} → ${descriptors()} descriptors`);
    const grown = process.memoryUsage().rss - before.rss;
    assert.ok(grown < 100 * 1024 * 1024, `memory grew by ${grown} bytes`);
  });
});
