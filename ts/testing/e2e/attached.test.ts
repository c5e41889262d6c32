import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { AttachedModel } from '../../client/client.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { codeOf, infer, registerModel } from '../daemon/models.ts';
import { becomes, openDescriptorsOf } from '../daemon/processes.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { addMultiplyModel, identityModel, slowModel } from '../onnx-models.ts';

/*
 * Guards: attached clients of a real daemon: they get what everybody gets, and live on when its
 * processes do not.
 */
const watchdog = { timeout: 120_000 };
const rounds = 5;
const works = (model: AttachedModel, i: number) =>
  model.infer({ a: [i], b: [1] }).then(({ outputs }) => outputs['sum']?.values[0] === i + 1);

const bits = (outputs: Readonly<Record<string, Tensor>>) =>
  Object.entries(outputs).map(([name, { dtype, shape, data }]) => {
    return [name, dtype, [...shape], Buffer.from(data as Uint8Array).toString('hex')];
  });

test('shapes change from call to call, beside the other doors', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'a/add@1', model: addMultiplyModel() });
  const client = await daemon.connect();
  const model = await client.attach('a/add@1');
  for (const count of [1, 7, 1_000, 300_000, 0, 3]) {
    const a = Float32Array.from({ length: count }, (_, i) => i);
    const b = a.map((value) => value / 3);
    const [attached, socket] = await Promise.all([
      model.infer({ a, b }),
      client.infer('a/add@1', { a, b }),
    ]);
    assert.deepEqual(bits(attached.outputs), bits(socket.outputs));
  }
  assert.equal(codeOf(await infer(daemon, 'a/add@1', { a: [1], b: [2] })), 'ok');
});

test(`kill -9 of the plugin host under 8 clients, ${rounds} times`, watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'a/add@1', model: addMultiplyModel() });
  await registerModel(place, daemon, { id: 'a/slow@1', model: slowModel() });
  const client = await daemon.connect();
  const models: AttachedModel[] = [];
  for (let i = 0; i < 7; i++) models.push(await client.attach('a/add@1'));
  const slow = await client.attach('a/slow@1');
  const errorMs: number[] = [];
  const backMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begun = slow.infer({ turns: 1_000_000, x: 1 }).catch((error) => error.code);
    await Promise.all(models.map(works));
    await delay(100);
    const [plugin = 0] = daemon.plugins();
    const killedAt = performance.now();
    process.kill(plugin, 'SIGKILL');
    assert.equal(await begun, 'PLUGIN_CRASHED');
    errorMs.push(performance.now() - killedAt);
    assert.deepEqual(
      await Promise.all(models.map(works)),
      models.map(() => true),
    );
    assert.equal((await slow.infer({ turns: 1, x: 4 })).outputs['y']?.values[0], 4);
    backMs.push(performance.now() - killedAt);
    // The circuit breaker opens after crashes without a success in between.
    assert.equal(codeOf(await infer(daemon, 'a/add@1', { a: [1], b: [2] })), 'ok');
  }
  const show = (list: number[]) => list.map((ms) => ms.toFixed(0)).join(', ');
  t.diagnostic(`errors after ${show(errorMs)} ms, all work after ${show(backMs)} ms`);
});

test('a restart of the daemon is survived, also by who asks meanwhile', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  await registerModel(place, first, { id: 'a/add@1', model: addMultiplyModel() });
  const client = await first.connect();
  const model = await client.attach('a/add@1');
  const request = await model.request({ a: [1], b: [1] });
  request.inputs['a']?.fill(5 as never);
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const daemon = signal === 'SIGKILL' ? first : await place.start();
    assert.ok(await works(model, 1));
    // `end` closes the clients that the daemon's handle has made, and with them their models.
    daemon.signal(signal);
    await daemon.exited;
    assert.ok(await becomes(() => !model.attached, 10_000));
  }
  const meanwhile = request.infer();
  await place.start();
  const result = await meanwhile;
  assert.equal(result.outputs['sum']?.values[0], 5);
  result.release();
});

test('unloaded, it is loaded again; unregistered, it is not found', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const path = await registerModel(place, daemon, { id: 'a/add@1', model: addMultiplyModel() });
  const model = await (await daemon.connect()).attach('a/add@1');
  for (let i = 0; i < 3; i++) {
    assert.ok(await works(model, i));
    assert.equal(codeOf(await daemon.http.post('/models/a-add@1/unload')), 'ok');
  }
  assert.ok(await works(model, 9));
  assert.equal(codeOf(await daemon.http.send('DELETE', '/models/a-add@1')), 'ok');
  await becomes(() => !model.attached, 5_000);
  await assert.rejects(works(model, 1), { code: 'MODEL_NOT_FOUND' });
  const again = { model_id: 'a/add@1', path };
  assert.equal(codeOf(await daemon.http.post('/models/register', again)), 'ok');
  assert.ok(await works(model, 2));
});

test('a revoked channel is not taken again until it is asked for', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'a/slow@1', model: slowModel() });
  const client = await daemon.connect();
  const model = await client.attach('a/slow@1');
  const { channels } = await client.call('channels.list', {});
  assert.deepEqual(
    channels.map(({ model_id, pid }) => [model_id, pid]),
    [['a/slow@1', process.pid]],
  );
  const under = assert.rejects(model.infer({ turns: 1_000_000, x: 1 }), {
    code: 'PERMISSION_DENIED',
  });
  await delay(50);
  await client.call('channels.revoke', { channel_id: channels[0]?.channel_id ?? 0 });
  await under;
  assert.ok(await becomes(() => !model.attached, 5_000));
  assert.equal((await client.call('channels.list', {})).total, 0);
  assert.equal((await model.infer({ turns: 1, x: 2 })).outputs['y']?.values[0], 2);
});

test('every thread attaches for itself', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'a/same@1', model: identityModel('float32', ['n']) });
  const program = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { connect } = await import(workerData.client);
    const client = await connect({ socketPath: workerData.socketPath });
    const model = await client.attach('a/same@1');
    const request = await model.request({ x: [1] });
    let right = 0;
    for (let i = 0; i < 2_000; i++) {
      request.inputs.x[0] = i + workerData.offset;
      const result = i % 2 ? request.inferSync() : await request.infer();
      if (result.outputs.y.values[0] === i + workerData.offset) right++;
      result.release();
    }
    parentPort.postMessage(right);
    if (workerData.offset % 2) await client.close(); // Else the thread ends with everything open.
    else process.exit();`;
  const before = openDescriptorsOf(process.pid).length;
  const threads = [1, 2, 3, 4].map((offset) => {
    const client = new URL('../../client/client.js', import.meta.url).href;
    const workerData = { client, socketPath: daemon.socketPath, offset: offset * 10_000 + offset };
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
    const worker = new Worker(url, { workerData });
    return new Promise<unknown[]>((resolve, reject) => {
      const said: unknown[] = [];
      worker.on('message', (value) => said.push(value));
      worker.on('error', reject);
      worker.on('exit', () => resolve(said));
    });
  });
  assert.deepEqual(await Promise.all(threads), [[2_000], [2_000], [2_000], [2_000]]);
  assert.ok(await becomes(() => openDescriptorsOf(process.pid).length <= before, 5_000));
});
