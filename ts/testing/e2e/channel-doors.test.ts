import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPlace } from '../daemon/with-daemon.ts';

// Guards: what needs descriptors says, on a door that cannot carry them, which one can.

const watchdog = { timeout: 60_000 };

test('HTTP sends those who want descriptors to the Unix socket', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const paths = ['/models/c/x@1/attach', '/channels/1/activate', '/connection/descriptors'];
  for (const path of paths) {
    const { status, body } = await daemon.http.post(path);
    assert.deepEqual([status, body.code], [409, 'FAILED_PRECONDITION'], path);
    assert.ok(body.message.includes(daemon.socketPath), body.message);
    assert.deepEqual(body.details, { socket_path: daemon.socketPath });
  }
  assert.deepEqual((await daemon.http.get('/channels')).body.channels, []);
});

test('and where there is none, how to have one', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start({ args: ['--no-ipc'] });
  const { body } = await daemon.http.post('/models/c/x@1/attach');
  assert.equal(body.code, 'FAILED_PRECONDITION');
  assert.match(body.message, /api\.ipc\.enabled/);
});
