import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { frame } from '../../../protocol/frame.ts';
import { encodeMsgpack } from '../../../protocol/msgpack.ts';
import { withIpcDoor } from '../../../testing/conformance/fake-doors.ts';
import { readAnswers } from '../../../testing/conformance/ipc-frames.ts';
import { rawExchange } from '../../../testing/conformance/raw-exchange.ts';
import { ByteBudget } from '../byte-budget.ts';
import { FrameInput } from './frame-input.ts';

// Guards: frames that clients begin and do not end hold bounded memory, for a bounded time.

const watchdog = { timeout: 60_000 };
const health = frame(encodeMsgpack([1, 'health.get']));

function infer(id: number, params: object): Buffer {
  return frame(encodeMsgpack([id, 'models.infer', params]));
}

/** The code that the only answer carries. */
function codeOf(received: Buffer): unknown {
  const [[id, error] = [], ...rest] = readAnswers(received);
  assert.deepEqual([id, rest], [null, []]);
  return (error as { code: string }).code;
}

/** Announces a frame of 1,000 bytes and sends `bytes` of them. */
function half(bytes: number): Buffer {
  return frame(Buffer.alloc(1_000)).subarray(0, 4 + bytes);
}

async function hold(path: string, bytes: number): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  socket.write(half(bytes));
  await sleep(50);
  return socket;
}

test(
  'unfinished frames share a budget; who passes it is told, and others go on',
  watchdog,
  async () => {
    await withIpcDoor({ maxPartialFramesBytes: 1_000 }, async (path) => {
      const first = await hold(path, 600);
      const atLimit = await hold(path, 400);
      const over = await rawExchange({ path }, [half(1)]);
      assert.ok(over.closed);
      assert.equal(codeOf(over.received), 'TOO_MANY_REQUESTS');
      const whole = await rawExchange({ path }, [health], { end: true });
      assert.equal(readAnswers(whole.received).length, 1);
      first.destroy();
      await sleep(50);
      const again = await hold(path, 600);
      assert.equal(again.readableLength, 0, 'what a closed connection held is free again');
      again.destroy();
      atLimit.destroy();
    });
  },
);

test('what a failed connection held is free before the client is gone', watchdog, async () => {
  await withIpcDoor({ maxPartialFramesBytes: 1_000, frameStallMs: 300 }, async (path) => {
    const failed = await hold(path, 900);
    await once(failed, 'readable'); // The refusal; the client reads no end and stays.
    const next = await hold(path, 900);
    assert.equal(next.readableLength, 0);
    next.destroy();
    failed.destroy();
  });
});

test('what a reset connection held is free', watchdog, async () => {
  await withIpcDoor({ maxPartialFramesBytes: 1_000 }, async (path, _, door) => {
    const socket = connect(path).pause();
    await once(socket, 'connect');
    socket.write(Buffer.concat([health, half(900)]));
    await sleep(50);
    socket.destroy(); // With an unread answer, which the kernel makes a reset.
    while (door.connections > 0) await sleep(5);
    const next = await hold(path, 900);
    assert.equal(next.readableLength, 0);
    next.destroy();
  });
});

test('a frame that does not go on is answered and closed', watchdog, async () => {
  await withIpcDoor({ frameStallMs: 100 }, async (path) => {
    for (const begun of [half(10), half(0), Buffer.from([0, 0])]) {
      const { received, closed } = await rawExchange({ path }, [Buffer.concat([begun])]);
      assert.ok(closed);
      assert.equal(codeOf(received), 'INVALID_FRAME');
      assert.match(
        received.toString('latin1'),
        /Neither the rest of the frame nor 131072 bytes of it came within 0\.1 s\./,
      );
    }
  });
});

test('a frame that comes by the byte is answered and closed', watchdog, async () => {
  await withIpcDoor({ frameStallMs: 200 }, async (path) => {
    const bytes = frame(Buffer.alloc(1_000)).subarray(0, 200);
    const parts = Array.from(bytes, (byte) => Buffer.from([byte]));
    const { received, closed } = await rawExchange({ path }, parts, { gapMs: 30 });
    assert.ok(closed);
    assert.equal(codeOf(received), 'INVALID_FRAME');
  });
});

test('slow but steady bytes, and silence between frames, are let be', watchdog, async () => {
  await withIpcDoor({ frameStallMs: 200, frameProgressBytes: 4 }, async (path) => {
    const parts = Array.from(health, (byte) => Buffer.from([byte]));
    const slow = await rawExchange({ path }, parts, { gapMs: 30, end: true });
    assert.equal(readAnswers(slow.received).length, 1);
    const idle = await rawExchange({ path }, [health, health], { gapMs: 500, end: true });
    assert.equal(readAnswers(idle.received).length, 2);
  });
});

test('a frame that waits because the door does not read is let be', watchdog, async () => {
  await withIpcDoor({ frameStallMs: 100 }, async (path) => {
    const requests = Array.from({ length: 300 }, (_, id) => infer(id, { sleep_ms: 400, echo: 1 }));
    const last = infer(300, { echo: 1 });
    const bytes = Buffer.concat([...requests, last.subarray(0, 9)]);
    const { received } = await rawExchange({ path }, [bytes, last.subarray(9)], {
      gapMs: 200,
      end: true,
    });
    assert.equal(readAnswers(received).length, 301);
    const silent = await rawExchange({ path }, [bytes]);
    assert.ok(silent.closed, 'its time runs when the door reads again');
    const [id, error] = readAnswers(silent.received).at(-1) ?? [];
    assert.deepEqual([id, (error as { code: string }).code], [null, 'INVALID_FRAME']);
  });
});

test('a door that closes does not cut what is under way for a half frame', watchdog, async () => {
  await withIpcDoor({ frameStallMs: 100 }, async (path, _, door) => {
    const exchange = rawExchange({ path }, [
      Buffer.concat([infer(1, { sleep_ms: 400, echo: 1 }), half(3)]),
    ]);
    await sleep(50);
    await door.close();
    const [[id, error] = []] = readAnswers((await exchange).received);
    assert.deepEqual([id, error], [1, null]);
  });
});

test('no verdict before the sockets were read once more', watchdog, async () => {
  const stalled: string[] = [];
  const input = new FrameInput(
    { maxBytes: 1_000, budget: new ByteBudget(1_000), stallMs: 20, progressBytes: 1 },
    { onFrame: () => undefined, onStalled: (error) => stalled.push(error.code) },
  );
  input.push(half(1));
  // Made later with the same delay, so it runs after the timer of the input and before its verdict.
  setTimeout(() => input.push(Buffer.alloc(1)), 20);
  const until = performance.now() + 60;
  while (performance.now() < until); // This process stands still.
  await sleep(5);
  assert.deepEqual(stalled, []);
  await sleep(80);
  assert.deepEqual(stalled, ['INVALID_FRAME']);
  input.drop();
});
