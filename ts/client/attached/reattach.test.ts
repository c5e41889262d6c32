import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { collectGarbage } from '../../testing/attach/collect-garbage.ts';
import { withFakeDaemon } from '../../testing/attach/with-fake.ts';
import { becomes, openDescriptorsOf } from '../../testing/daemon/processes.ts';
import { addMultiplyModel, identityModel, slowModel } from '../../testing/onnx-models.ts';

/*
 * Guards: a client outlives its channels, and gives back what they were made of.
 */
const watchdog = { timeout: 60_000 };
const models = { 't/add@1': addMultiplyModel(), 't/slow@1': slowModel() };
const program = join(import.meta.dirname, 'attached-model.js');
const connector = join(import.meta.dirname, 'connector.js');

test('a host that dies: begun work fails at once, the rest is asked again', watchdog, async () => {
  await withFakeDaemon(models, async ({ daemon, attach }) => {
    const slow = await attach('t/slow@1');
    const add = await attach('t/add@1');
    const request = await add.request({ a: [2], b: [2] });
    request.inputs['a']?.set([1, 2] as never);
    request.inputs['b']?.set([3, 4] as never);
    const begun = slow.infer({ turns: 1_000_000, x: 1 });
    const begunFails = assert.rejects(begun, { code: 'PLUGIN_CRASHED' });
    const waiting = Array.from({ length: 20 }, (_, i) => slow.infer({ turns: 1, x: i }));
    await delay(50);
    await daemon.kill();
    await begunFails;
    assert.ok(await becomes(() => !slow.attached && !add.attached, 5_000));
    const next = request.infer();
    await delay(100);
    await daemon.start();
    for (const [i, answer] of (await Promise.all(waiting)).entries()) {
      assert.equal(answer.outputs['y']?.values[0], i);
    }
    const result = await next;
    assert.deepEqual(
      [...(result.outputs['sum']?.values ?? [])],
      [4, 6],
      'its contents moved along',
    );
    result.release();
    request.inputs['a']?.set([5, 6] as never);
    assert.deepEqual(request.inferSync().copy().outputs['sum']?.toJSON(), [8, 10]);
  });
});

test('a thread that only ever blocks attaches again too', watchdog, async () => {
  await withFakeDaemon(models, async ({ daemon, attach }) => {
    const add = await attach('t/add@1');
    const request = await add.request({ a: [1], b: [1] });
    request.inputs['a']?.fill(7 as never);
    request.inferSync().release();
    await daemon.kill();
    await daemon.start();
    const codes = new Set<unknown>();
    for (let i = 0; i < 50; i++) {
      try {
        const result = request.inferSync();
        assert.equal(result.outputs['sum']?.values[0], 7);
        result.release();
      } catch (error) {
        codes.add((error as { code?: unknown }).code);
      }
    }
    assert.ok(codes.size <= 1 && [...codes].every((code) => code === 'PLUGIN_CRASHED'));
    assert.equal(add.inferSync({ a: [1], b: [2] }).outputs['sum']?.values[0], 3);
  });
});

test('calls wait for a daemon that is away, for as long as they may', watchdog, async () => {
  await withFakeDaemon(models, async ({ daemon, attach }) => {
    const add = await attach('t/add@1');
    const request = await add.request({ a: [1], b: [1] });
    await daemon.kill();
    const late = { code: 'DEADLINE_EXCEEDED', message: /No daemon listens/ };
    await assert.rejects(add.infer({ a: [1], b: [1] }, { timeoutMs: 150 }), late);
    await assert.rejects(request.infer({ timeoutMs: 150 }), late);
    assert.throws(() => add.inferSync({ a: [1], b: [1] }, { timeoutMs: 150 }), late);
    const controller = new AbortController();
    const cancelled = add.infer({ a: [1], b: [1] }, { signal: controller.signal });
    controller.abort();
    await assert.rejects(cancelled, { code: 'CANCELLED' });
    const waiting = add.infer({ a: [1], b: [1] });
    await daemon.start();
    await daemon.order({ refuse: 'PLUGIN_UNAVAILABLE', times: 3 });
    assert.equal((await waiting).outputs['sum']?.values[0], 2);
  });
});

test(
  'a model that is gone for good rejects who waits, and the next use asks again',
  watchdog,
  async () => {
    await withFakeDaemon(models, async ({ daemon, attach }) => {
      const add = await attach('t/add@1');
      await daemon.order({ refuse: 'MODEL_NOT_FOUND', times: 2 });
      await daemon.order({ close: 'MODEL_NOT_FOUND' });
      assert.ok(await becomes(() => !add.attached, 5_000));
      await delay(50); // The attempt by itself is the first refusal.
      await assert.rejects(add.infer({ a: [1], b: [1] }), { code: 'MODEL_NOT_FOUND' });
      assert.equal((await add.infer({ a: [1], b: [1] })).outputs['sum']?.values[0], 2);
    });
  },
);

test('who was sent away comes back only when asked', watchdog, async () => {
  await withFakeDaemon(models, async ({ daemon, attach }) => {
    const slow = await attach('t/slow@1');
    const calls = [1_000_000, 1].map((turns) => slow.infer({ turns, x: 1 }));
    const all = Promise.allSettled(calls);
    await delay(50);
    await daemon.order({ close: 'PERMISSION_DENIED' });
    for (const outcome of await all) {
      assert.equal(outcome.status, 'rejected');
      assert.equal(outcome.reason.code, 'PERMISSION_DENIED');
    }
    await delay(100);
    assert.equal(slow.attached, false);
    assert.equal((await slow.infer({ turns: 1, x: 5 })).outputs['y']?.values[0], 5);
    assert.equal(slow.attached, true);
  });
});

test('what does not fit gets a larger arena, up to the limit', watchdog, async () => {
  const big = { 't/same@1': identityModel('float32', ['n']) };
  await withFakeDaemon(big, async ({ attach }) => {
    const small = { inputBytes: 65_536, outputBytes: 65_536, maxArenaBytes: 16 << 20 };
    const model = await attach('t/same@1', small);
    const kept = await model.request({ x: [10_000] });
    kept.inputs['x']?.fill(1 as never);
    const held = await kept.infer();
    const values = Float32Array.from({ length: 1_000_000 }, (_, i) => i);
    const calls = [values, values.map((v) => -v)].map((x) => model.infer({ x }));
    const [plus, minus] = await Promise.all(calls);
    assert.deepEqual(plus?.outputs['y']?.values, values);
    assert.equal(minus?.outputs['y']?.values[999_999], -999_999);
    assert.equal(held.outputs['y']?.values[9_999], 1, 'a result keeps its memory');
    held.release();
    assert.equal(kept.inferSync().copy().outputs['y']?.values[9_999], 1);
    const more = Array.from({ length: 6 }, () => model.request({ x: [300_000] }));
    const requests = await Promise.all(more);
    for (const [i, request] of requests.entries()) request.inputs['x']?.fill(i as never);
    const results = await Promise.all(requests.map((request) => request.infer()));
    assert.deepEqual(
      results.map((result) => result.outputs['y']?.values[299_999]),
      [0, 1, 2, 3, 4, 5],
    );
    for (const result of results) result.release();
    const tooLarge = { code: 'PAYLOAD_TOO_LARGE' };
    await assert.rejects(model.infer({ x: new Float32Array(5_000_000) }), tooLarge);
    assert.throws(() => model.inferSync({ x: new Float32Array(5_000_000) }), tooLarge);
    await assert.rejects(model.request({ x: [5_000_000] }), tooLarge);
  });
  await withFakeDaemon(big, async ({ attach }) => {
    const model = await attach('t/same@1', { inputBytes: 65_536, outputBytes: 65_536 });
    const values = new Float32Array(1_000_000).fill(3);
    assert.deepEqual(model.inferSync({ x: values }).outputs['y']?.values, values);
  });
});

test('an answer without its descriptors is an error, and leaves none open', watchdog, async () => {
  await withFakeDaemon(models, async ({ daemon, attach }) => {
    (await attach('t/add@1')).close();
    await delay(50);
    const before = openDescriptorsOf(process.pid).length;
    for (const descriptors of [0, 1, 3]) {
      await daemon.order({ descriptors });
      await assert.rejects(attach('t/add@1'), { code: 'INTERNAL', message: /descriptors/ });
    }
    await delay(50);
    assert.equal(openDescriptorsOf(process.pid).length, before);
  });
});

test('thousands of attachments leave nothing behind', watchdog, async (t) => {
  await withFakeDaemon(models, async ({ attach }) => {
    const round = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const model = await attach('t/add@1', { inputBytes: 65_536, outputBytes: 65_536 });
        const request = await model.request({ a: [4], b: [4] });
        (await request.infer()).release();
        await request.infer(); // Forgotten: closing gives it back.
        model.close();
      }
      await delay(100);
      await collectGarbage();
    };
    const facts = () => ({
      fds: openDescriptorsOf(process.pid).length,
      rss: process.memoryUsage.rss(),
    });
    await round(1_500);
    // What leaks grows in every round; a collector that is late does not.
    const grown: number[] = [];
    while (grown.length < 3 && Math.min(...grown) >= 50e6) {
      const before = facts();
      await round(1_500);
      const after = facts();
      assert.equal(after.fds, before.fds);
      grown.push(after.rss - before.rss);
    }
    t.diagnostic(`resident memory grew by ${grown.map((n) => (n / 1e6).toFixed(1))} MB`);
    assert.ok(Math.min(...grown) < 50e6, `${grown} bytes stayed`);
  });
});

test('forgotten results are collected', watchdog, async () => {
  await withFakeDaemon(models, async ({ attach }) => {
    const model = await attach('t/add@1', { outputBytes: 65_536, maxArenaBytes: 65_536 });
    const request = await model.request({ a: [1_000], b: [1_000] });
    for (let i = 0; i < 300; i++) {
      await request.infer();
      if (i % 4 === 3) await collectGarbage();
    }
  });
});

test(
  'an idle attached model lets its process end, one that is asked does not',
  watchdog,
  async () => {
    await withFakeDaemon(models, async ({ daemon }) => {
      const where = `{ connector: socketConnector(${JSON.stringify(daemon.socketPath)}), modelId: 't/slow@1' }`;
      const run = (turns: number) =>
        spawnSync(
          process.execPath,
          [
            '--input-type=module',
            '-e',
            `import { AttachedModel } from ${JSON.stringify(program)};
           import { socketConnector } from ${JSON.stringify(connector)};
           const model = await AttachedModel.attach(${where}, {}, () => undefined);
           await model.infer({ turns: 1, x: 1 });
           const answer = model.infer({ turns: ${turns}, x: 8 });
           answer.then(({ outputs }) => process.stdout.write(String(outputs.y.values[0])));`,
          ],
          { encoding: 'utf8', timeout: 20_000 },
        );
      for (const turns of [1, 300]) {
        const { stdout, status, stderr } = run(turns);
        assert.deepEqual([stdout, status, stderr], ['8', 0, '']);
      }
    });
  },
);
