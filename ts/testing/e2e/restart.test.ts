import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel, matMulModel } from '../onnx-models.ts';

/*
 * Guards: what was registered is there after a restart as it was, and is never served when its bytes
 * are no longer those that were registered.
 */
const watchdog = { timeout: 60_000 };

test(
  'models survive a restart unloaded, and the first inference loads them',
  watchdog,
  async (t) => {
    const place = await openPlace(t);
    const first = await place.start();
    const params = { name: 'Twice', description: 'ä€𝄞', framework: 'pytorch', isolation: 'model' };
    await registerModel(place, first, {
      id: 'r/x@1',
      model: identityModel('float32', ['n']),
      params,
    });
    const before = (await first.http.get('/models/r-x@1')).body.model;
    assert.equal(before.status, 'ready');
    assert.deepEqual(await first.end(), { code: 0, signal: null });

    const second = await place.start();
    const after = (await second.http.get('/models/r-x@1')).body.model;
    const other = { status: 'unloaded', runner: null, measures: [] };
    // It names the port, which is another one now.
    const example = before.example.replace(/:\d+\//, `:${second.httpPort}/`);
    assert.deepEqual(after, { ...before, ...other, example });
    assert.deepEqual(second.plugins(), [], 'nothing is loaded before it is needed');
    const many = await Promise.all([1, 2, 3].map((x) => infer(second, 'r/x@1', { x: [x] })));
    assert.deepEqual(
      many.map((reply) => reply.body.outputs?.y),
      [[1], [2], [3]],
    );
    assert.equal((await second.http.get('/models/r-x@1')).body.model.status, 'ready');
    assert.equal(second.plugins().length, 1);
  },
);

test('a changed file is DATA_CORRUPTED and never served', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  const path = await registerModel(place, first, { id: 'r/w@1', model: matMulModel(4, 4) });
  await first.end();
  const bytes = readFileSync(path);
  const flipped = Buffer.from(bytes);
  flipped[bytes.length - 3] = (flipped[bytes.length - 3] ?? 0) ^ 1;
  writeFileSync(path, flipped);

  const second = await place.start();
  for (let round = 0; round < 3; round++) {
    const reply = await infer(second, 'r/w@1', { x: [[1, 2, 3, 4]] });
    assert.equal(codeOf(reply), '500 DATA_CORRUPTED', JSON.stringify(reply.body));
  }
  assert.equal(codeOf(await second.http.post('/models/r-w@1/load')), '500 DATA_CORRUPTED');
  const failed = (await second.http.get('/models/r-w@1')).body.model;
  assert.equal(failed.status, 'failed');
  assert.match(failed.reason, /sha256/);
  await second.end();

  const third = await place.start();
  const kept = (await third.http.get('/models/r-w@1')).body.model;
  assert.deepEqual([kept.status, kept.reason], ['failed', failed.reason]);
  writeFileSync(path, bytes);
  assert.equal(codeOf(await infer(third, 'r/w@1', { x: [[1, 2, 3, 4]] })), 'ok');
  const healed = (await third.http.get('/models/r-w@1')).body.model;
  assert.deepEqual([healed.status, healed.reason], ['ready', null]);
});

test('a file that is gone is an error that names it, and not the end', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  const path = await registerModel(place, first, {
    id: 'r/x@1',
    model: identityModel('float32', []),
  });
  await first.end();
  const bytes = readFileSync(path);
  rmSync(path);
  const second = await place.start();
  const reply = await infer(second, 'r/x@1', { x: 1 });
  assert.notEqual(reply.status, 200);
  assert.ok(reply.status !== 500 || reply.body.code !== 'INTERNAL', JSON.stringify(reply.body));
  assert.ok(reply.body.message.includes(path), reply.body.message);
  const { model } = (await second.http.get('/models/r-x@1')).body;
  assert.equal(model.status, 'failed', 'it says that it cannot be used');
  assert.ok(model.reason.includes(path), model.reason);
  writeFileSync(path, bytes);
  assert.equal(codeOf(await infer(second, 'r/x@1', { x: 1 })), 'ok');
});

test(
  'a changed file does not reach a plugin that comes back after a crash',
  watchdog,
  async (t) => {
    const place = await openPlace(t);
    const daemon = await place.start();
    const path = await registerModel(place, daemon, { id: 'r/w@1', model: matMulModel(4, 4) });
    const before = await infer(daemon, 'r/w@1', { x: [[1, 2, 3, 4]] });
    const changed = readFileSync(path);
    const weight = changed.indexOf(Buffer.from(Float32Array.of(-3 / 8, -2 / 8).buffer));
    changed.writeFloatLE(1_000, weight);
    writeFileSync(path, changed);
    const [pid = 0] = daemon.plugins();
    process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const after = await infer(daemon, 'r/w@1', { x: [[1, 2, 3, 4]] });
    if (after.status === 200) assert.deepEqual(after.body.outputs, before.body.outputs);
    else assert.equal(codeOf(after), '500 DATA_CORRUPTED', JSON.stringify(after.body));
  },
);

test('a model that failed to load keeps its reason', watchdog, async (t) => {
  const place = await openPlace(t);
  const path = await place.file('broken.onnx', 'this is no model');
  const first = await place.start();
  const refused = await first.http.post('/models/register', { model_id: 'r/bad@1', path });
  assert.equal(codeOf(refused), '422 MODEL_LOAD_FAILED', JSON.stringify(refused.body));
  const before = (await first.http.get('/models/r-bad@1')).body.model;
  assert.equal(before.status, 'failed');
  assert.ok(before.reason.length > 0);
  await first.end();
  const second = await place.start();
  assert.deepEqual((await second.http.get('/models/r-bad@1')).body.model, before);
  assert.equal(codeOf(await infer(second, 'r/bad@1', { x: 1 })), '422 MODEL_LOAD_FAILED');
  // Readiness is about the daemon, not about one model.
  assert.equal((await second.http.get('/readyz')).status, 200);
});

test('a registry record with a flipped bit is reported and not used', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  await registerModel(place, first, { id: 'r/x@1', model: identityModel('float32', []) });
  await registerModel(place, first, { id: 'r/precious@1', model: identityModel('float32', []) });
  await first.end();
  const file = join(first.dataFolder, 'registry', 'data.mdb');
  const bytes = readFileSync(file);
  let flips = 0;
  for (
    let at = bytes.indexOf('precious%401.onnx');
    at >= 0;
    at = bytes.indexOf('precious%401.onnx', at + 1)
  ) {
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    flips += 1;
  }
  assert.ok(flips > 0, 'nothing to flip');
  writeFileSync(file, bytes);
  const second = await place.start();
  assert.equal(codeOf(await second.http.get('/models/r-precious@1')), '404 MODEL_NOT_FOUND');
  const ready = await second.http.get('/readyz');
  assert.equal(ready.status, 503);
  assert.match(ready.body.reasons.join(), /model\/r\/precious@1.*checksum/);
  assert.equal(codeOf(await infer(second, 'r/x@1', { x: 1 })), 'ok');
});
