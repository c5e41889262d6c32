import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Tensor } from '../protocol/tensor.ts';
import { withHttpDoor } from '../testing/conformance/fake-doors.ts';
import { callHttp } from './http-client.ts';

const watchdog = { timeout: 30_000 };
const model_id = 'hf/double@latest';

test('operations are called by name', watchdog, async () => {
  await withHttpDoor({}, async ({ port }) => {
    const endpoint = `http://127.0.0.1:${port}/`;
    assert.equal((await callHttp(endpoint, 'health.get', {})).status, 'healthy');
    assert.equal(
      (await callHttp(endpoint, 'health.ready', {})).ready,
      false,
      'a result, not an error',
    );
    const x = new Tensor('int64', [1, 2], new Uint8Array(BigInt64Array.from([5n, 6n]).buffer));
    const answer = await callHttp(endpoint, 'models.infer', { model_id, inputs: { x } });
    assert.deepEqual(answer.outputs, { y: [10, 12] });
    await assert.rejects(callHttp(endpoint, 'models.get', { model_id: 'hf/none@1' }), {
      code: 'MODEL_NOT_FOUND',
      message: /hf\/none@1/,
    });
    await assert.rejects(callHttp(endpoint, 'models.get', { model_id: '' }), {
      code: 'INVALID_ARGUMENT',
    });
  });
});

test('waiting ends when the caller says so', watchdog, async () => {
  await withHttpDoor({}, async ({ port }) => {
    const endpoint = `http://127.0.0.1:${port}`;
    const slow = { model_id, sleep_ms: 5_000 };
    await assert.rejects(callHttp(endpoint, 'models.infer', slow, { timeoutMs: 50 }), {
      code: 'DEADLINE_EXCEEDED',
    });
    const signal = AbortSignal.abort();
    await assert.rejects(callHttp(endpoint, 'models.infer', slow, { signal }), {
      code: 'CANCELLED',
    });
  });
});

test('no daemon, or another server, is said so', watchdog, async () => {
  const server = createServer((_, res) => res.end('<html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  await assert.rejects(callHttp(endpoint, 'health.get', {}), { message: /is it the daemon\?/ });
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  await assert.rejects(callHttp(endpoint, 'health.get', {}), {
    code: 'FAILED_PRECONDITION',
    message: /No daemon listens/,
  });
});
