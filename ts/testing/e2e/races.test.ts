import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel, matMulModel } from '../onnx-models.ts';

/*
 * Guards: requests about one model that come at the same time leave the daemon and its plugin of one
 * mind: a model is loaded exactly where its state says so, and an answer describes what was asked.
 */
const watchdog = { timeout: 60_000 };

/** Ids that the plugin's processes hold. */
async function held(daemon: DaemonProcess): Promise<string[]> {
  const { body } = await daemon.http.get('/plugins/onnx');
  return body.plugin.processes.flatMap((process: { models: string[] }) => process.models).sort();
}

/** Ids whose state says that they are loaded. */
async function ready(daemon: DaemonProcess): Promise<string[]> {
  const models: { id: string; status: string }[] = (await daemon.http.get('/models')).body.models;
  return models.filter(({ status }) => status === 'ready').map(({ id }) => id);
}

test('unload and inference at once', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'r/x@1', model: matMulModel(256, 256) });
  const x = [Array(256).fill(1)];
  for (let round = 0; round < 20; round++) {
    const unloaded = daemon.http.post('/models/r-x@1/unload');
    assert.equal(codeOf(await infer(daemon, 'r/x@1', { x })), 'ok');
    assert.equal(codeOf(await unloaded), 'ok');
    assert.deepEqual(await held(daemon), await ready(daemon), `round ${round}`);
  }
});

test('many loads, unloads and inferences of one model at once', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'r/x@1', model: identityModel('float32', ['n']) });
  for (let round = 0; round < 5; round++) {
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, i) => {
        if (i % 5 === 1) return daemon.http.post('/models/r-x@1/unload');
        if (i % 5 === 3) return daemon.http.post('/models/r-x@1/load');
        return infer(daemon, 'r/x@1', { x: [i] });
      }),
    );
    for (const reply of replies) assert.equal(codeOf(reply), 'ok', JSON.stringify(reply.body));
    assert.deepEqual(await held(daemon), await ready(daemon), `round ${round}`);
  }
});

test('an answer describes what its own request registered', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const files = [
    await place.file('a.onnx', identityModel('float32', ['n'])),
    await place.file('b.onnx', identityModel('int64', ['n', 2])),
  ];
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      daemon.http.post('/models/register', { model_id: 'r/same@1', path: files[i % 2] }),
    ),
  );
  for (const [i, { status, body }] of replies.entries()) {
    // One that another has overtaken may be told so; a success must be its own.
    if (status === 200) assert.equal(body.model.file, i % 2 === 0 ? 'a.onnx' : 'b.onnx');
  }
  const { model } = (await daemon.http.get('/models/r-same@1')).body;
  const x = model.file === 'a.onnx' ? [7] : [[7, 8]];
  const reply = await infer(daemon, 'r/same@1', { x });
  assert.equal(codeOf(reply), 'ok', JSON.stringify(reply.body));
});

test('what is unregistered is not held', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const path = await place.file('x.onnx', identityModel('float32', ['n']));
  const registration = { model_id: 'r/x@1', path };
  for (let round = 0; round < 10; round++) {
    assert.equal(codeOf(await daemon.http.post('/models/register', registration)), 'ok');
    await Promise.all([
      daemon.http.send('DELETE', '/models/r-x@1'),
      infer(daemon, 'r/x@1', { x: [1] }),
      daemon.http.post('/models/register', registration),
      infer(daemon, 'r/x@1', { x: [1] }),
    ]);
    assert.deepEqual(await held(daemon), await ready(daemon), `round ${round}`);
  }
});
