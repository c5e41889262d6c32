import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Tensor } from '../protocol/tensor.ts';
import { withFolder, withIpcDoor } from '../testing/conformance/fake-doors.ts';
import { connect } from './client.ts';

const watchdog = { timeout: 30_000 };
const double = 'hf/double@latest';
/** Further keys of the top level are inputs; this one is read by the fake daemon. */
const sleepy = { model_id: double, ...{ sleep_ms: 20_000 } };

test('calls overlap and find their answers', watchdog, async () => {
  await withIpcDoor({}, async (socketPath) => {
    await using client = await connect({ socketPath });
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => client.call('health.get', {})),
    );
    assert.ok(answers.every((answer) => answer.status === 'healthy'));
    await assert.rejects(client.call('models.get', { model_id: 'hf/none' }), {
      code: 'MODEL_NOT_FOUND',
    });
  });
});

test('tensors go and come as tensors', watchdog, async () => {
  await withIpcDoor({}, async (socketPath) => {
    await using client = await connect({ socketPath });
    const data = BigInt64Array.from([1n, -2n, 3n, 4n]);
    const inputs = [
      new Tensor('int64', [2, 2], new Uint8Array(data.buffer)),
      { shape: [2, 2], data },
      { dtype: 'int64', shape: [2, 2], data: [1, -2, 3, 4] } as const,
      [
        [1, -2],
        [3, 4],
      ],
    ];
    for (const x of inputs) {
      const answer = await client.infer(double, { x });
      const y = answer.outputs['y'];
      assert.ok(y instanceof Tensor);
      assert.deepEqual([y.dtype, y.shape, y.toJSON()], ['int64', [2, 2], [2, -4, 6, 8]]);
    }
  });
});

test('who gives up waiting is answered at once, and later calls still work', watchdog, async () => {
  await withIpcDoor({}, async (socketPath) => {
    await using client = await connect({ socketPath });
    const slow = { model_id: double, sleep_ms: 300 };
    const late = client.call('models.infer', slow, { timeoutMs: 20 });
    await assert.rejects(late, { code: 'DEADLINE_EXCEEDED' });
    const controller = new AbortController();
    const cancelled = client.call('models.infer', slow, { signal: controller.signal });
    controller.abort();
    await assert.rejects(cancelled, { code: 'CANCELLED' });
    const aborted = client.call('health.get', {}, { signal: AbortSignal.abort() });
    await assert.rejects(aborted, { code: 'CANCELLED' });
    await new Promise((resolve) => setTimeout(resolve, 400)); // The late answers are ignored.
    assert.equal((await client.call('health.live', {})).live, true);
  });
});

test('a lost connection rejects everything, then and later', watchdog, async () => {
  await withIpcDoor({}, async (socketPath, _, door) => {
    const client = await connect({ socketPath });
    const call = client.call('models.infer', sleepy);
    const outcome = assert.rejects(call, { code: 'SHUTTING_DOWN' });
    await door.close({ graceMs: 50 });
    await outcome;
    await assert.rejects(client.call('health.get', {}), { code: 'SHUTTING_DOWN' });
    await client.close();
  });
});

test('close rejects what is under way, and may be called twice', watchdog, async () => {
  await withIpcDoor({}, async (socketPath) => {
    const client = await connect({ socketPath });
    const call = client.call('models.infer', sleepy);
    const outcome = assert.rejects(call, { code: 'CANCELLED' });
    await client.close();
    await client.close();
    await outcome;
    const closed = { code: 'FAILED_PRECONDITION', message: /client has been closed/ };
    await assert.rejects(client.call('health.get', {}), closed);
    await assert.rejects(client.attach(double), closed);
  });
});

test('no daemon, or no daemon of ours, is said so', watchdog, async () => {
  await withFolder(async (folder) => {
    const socketPath = join(folder, 'none.sock');
    await assert.rejects(connect({ socketPath }), {
      code: 'FAILED_PRECONDITION',
      message: new RegExp(`No daemon listens at ${socketPath}`),
    });
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => other.listen(socketPath, resolve));
    const client = await connect({ socketPath });
    await assert.rejects(client.call('health.get', {}), { code: 'PAYLOAD_TOO_LARGE' });
    await client.close();
    other.close();
  });
});
