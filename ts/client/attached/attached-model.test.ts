import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { withFakeDaemon } from '../../testing/attach/with-fake.ts';
import {
  addMultiplyModel,
  bertLikeModel,
  failingModel,
  identityModel,
  slowModel,
} from '../../testing/onnx-models.ts';
import type { AttachedResult } from './attached-result.ts';

/*
 * Guards: what an attached client answers, and what it does with shared memory. The daemon is a fake
 * in a process of its own; the engine and the channels are the real ones.
 */
const watchdog = { timeout: 60_000 };
const double = { 't/add@1': addMultiplyModel() };

test('a request is filled in place and asked again and again', watchdog, async () => {
  await withFakeDaemon(double, async ({ attach }) => {
    const model = await attach('t/add@1');
    assert.deepEqual(
      model.signature.inputs.map((spec) => spec.name),
      ['a', 'b'],
    );
    const request = await model.request({ a: [3], b: { dtype: 'float32', shape: [3] } });
    const { a, b } = request.inputs;
    assert.ok(a instanceof Float32Array && b instanceof Float32Array);
    for (let i = 0; i < 1_000; i++) {
      a.set([i, i + 1, i + 2]);
      b.fill(2);
      const result = i % 2 === 0 ? await request.infer() : request.inferSync();
      assert.deepEqual([...(result.outputs['sum']?.values ?? [])], [i + 2, i + 3, i + 4]);
      assert.deepEqual(
        [...(result.outputs['product']?.values ?? [])],
        [2 * i, 2 * i + 2, 2 * i + 4],
      );
      assert.deepEqual(result.outputs['sum']?.shape, [3]);
      assert.equal(result.outputs['sum']?.dtype, 'float32');
      assert.ok(result.runUs > 0 && result.batch === 1);
      result.release();
    }
    assert.equal(request.inputs['a'], a, 'the views stay while the channel does');
  });
});

test('the one-call form copies in and out', watchdog, async () => {
  await withFakeDaemon({ ...double, 't/bert@1': bertLikeModel() }, async ({ attach }) => {
    const model = await attach('t/add@1');
    const a = new Float32Array([1, 2]);
    const answers = [model.inferSync({ a, b: [3, 4] }), await model.infer({ a, b: [3, 4] })];
    a.fill(9);
    for (const { outputs } of answers) {
      assert.deepEqual(outputs['sum']?.toJSON(), [4, 6]);
      assert.deepEqual(Object.keys(outputs), ['sum', 'product']);
    }
    const some = await model.infer({ a: [1], b: [2] }, { outputs: ['product'], priority: 'high' });
    assert.deepEqual(Object.keys(some.outputs), ['product']);
    const bert = await attach('t/bert@1');
    const { outputs } = await bert.infer({ input_ids: [[5, 6, 7]] });
    assert.deepEqual(outputs['logits']?.toJSON(), [6, 7, 8], 'what may be left out is filled in');
  });
});

test('strings travel both ways', watchdog, async () => {
  const model = identityModel('string', ['n']);
  await withFakeDaemon({ 't/words@1': model }, async ({ attach }) => {
    const words = await attach('t/words@1');
    const list = ['', 'a', 'größer', '漢字 🙂', 'x'.repeat(10_000)];
    const { outputs } = await words.infer({ x: list });
    assert.deepEqual(outputs['y']?.data, list);
    assert.deepEqual(outputs['y']?.values, list);
    assert.deepEqual(words.inferSync({ x: list.slice(1) }).outputs['y']?.values, list.slice(1));
    await assert.rejects(words.request({ x: [1] }), { code: 'UNIMPLEMENTED' });
  });
});

test('results that are held until nothing fits are named with release()', watchdog, async () => {
  await withFakeDaemon(double, async ({ attach }) => {
    const model = await attach('t/add@1', { maxArenaBytes: 4 * 2 ** 20 });
    const request = await model.request({ a: [100_000], b: [100_000] });
    const held: AttachedResult[] = [];
    const hold = async () => {
      for (let i = 0; i < 1_000; i++) held.push(await request.infer());
    };
    const full = { code: 'TOO_MANY_REQUESTS', message: /call release\(\)/ };
    await assert.rejects(hold(), full);
    assert.throws(() => request.inferSync(), full);
    for (const result of held) result.release();
    request.inferSync().release();
  });
});

test('a burst of thousands is pipelined and answered in full', watchdog, async () => {
  await withFakeDaemon(double, async ({ attach }) => {
    const model = await attach('t/add@1');
    const asked = Array.from({ length: 5_000 }, (_, i) => {
      const a = new Float32Array([i]);
      const answer = model.infer({ a, b: [1] });
      a.fill(-1); // What was given has been copied, also where the call has to wait.
      return answer;
    });
    const answers = await Promise.all(asked);
    assert.ok(answers.every(({ outputs }, i) => outputs['sum']?.values[0] === i + 1));
  });
});

test('what is no tensor, list or number is refused by name', watchdog, async () => {
  await withFakeDaemon(double, async ({ attach }) => {
    await assert.rejects(attach('t/add@1', { spinUs: -5 }), { code: 'INVALID_ARGUMENT' });
    const tooMuch = { maxArenaBytes: 4 * 2 ** 30 };
    await assert.rejects(attach('t/add@1', tooMuch), { code: 'INVALID_ARGUMENT' });
    const model = await attach('t/add@1');
    const infer = (inputs: unknown, options: unknown = {}) =>
      model.infer(inputs as never, options as never);
    for (const inputs of [undefined, null, 'a', [1]])
      await assert.rejects(infer(inputs), { name: 'MlosError', code: 'INVALID_ARGUMENT' });
    await assert.rejects(infer({ a: null, b: [1] }), { name: 'MlosError' });
    const outputs = { outputs: 'sum' };
    await assert.rejects(infer({ a: [1], b: [1] }, outputs), { code: 'INVALID_ARGUMENT' });
  });
});

test('errors have the codes that the daemon would answer', watchdog, async () => {
  await withFakeDaemon({ ...double, 't/fails@1': failingModel() }, async ({ attach }) => {
    const model = await attach('t/add@1');
    const cases = [
      [{ a: [1] }, {}, 'MISSING_INPUT'],
      [{ a: [1], b: [1], c: [1] }, {}, 'UNKNOWN_INPUT'],
      [{ a: [[1]], b: [1] }, {}, 'INVALID_SHAPE'],
      [{ a: ['x'], b: [1] }, {}, 'INVALID_VALUE'],
      [{ a: new Float64Array(1), b: [1] }, {}, 'INVALID_DTYPE'],
      [{ a: [1], b: [1] }, { outputs: ['z'] }, 'UNKNOWN_INPUT'],
      [{ a: [1], b: [1] }, { timeoutMs: 0 }, 'INVALID_ARGUMENT'],
    ] as const;
    for (const [inputs, options, code] of cases) {
      await assert.rejects(model.infer(inputs as never, options), { code });
      assert.throws(() => model.inferSync(inputs as never, options), { code });
    }
    const fails = await attach('t/fails@1');
    await assert.rejects(fails.infer({ x: [1] }), { code: 'INFERENCE_FAILED' });
    assert.throws(() => fails.inferSync({ x: [1] }), { code: 'INFERENCE_FAILED' });
    await assert.rejects(attach('t/none@1'), { code: 'MODEL_NOT_FOUND' });
  });
});

test('who gives up is answered at once, and the request can be asked again', watchdog, async () => {
  await withFakeDaemon({ 't/slow@1': slowModel() }, async ({ attach }) => {
    const model = await attach('t/slow@1');
    const request = await model.request({});
    const fill = (turns: bigint, x: number) => {
      request.inputs['turns']?.fill(turns as never);
      request.inputs['x']?.fill(x as never);
    };
    fill(1_000_000n, 1);
    const controller = new AbortController();
    const cancelled = request.infer({ signal: controller.signal });
    await assert.rejects(request.infer(), { code: 'FAILED_PRECONDITION' });
    assert.throws(() => request.inferSync(), { code: 'FAILED_PRECONDITION' });
    await delay(20);
    controller.abort();
    await assert.rejects(cancelled, { code: 'CANCELLED' });
    fill(1_000_000n, 2);
    await assert.rejects(request.infer({ timeoutMs: 30 }), { code: 'DEADLINE_EXCEEDED' });
    assert.throws(() => request.inferSync({ timeoutMs: 30 }), { code: 'DEADLINE_EXCEEDED' });
    fill(1n, 3);
    const result = await request.infer({ signal: controller.signal }).catch((e) => e.code);
    assert.equal(result, 'CANCELLED', 'the signal has fired before');
    assert.equal((await request.infer()).outputs['y']?.values[0], 3);
    assert.equal(request.inferSync().outputs['y']?.values[0], 3);
    const other = { turns: 1_000_000, x: 1 };
    await assert.rejects(model.infer(other, { timeoutMs: 20 }), { code: 'DEADLINE_EXCEEDED' });
    assert.equal((await model.infer({ turns: 1, x: 4 })).outputs['y']?.values[0], 4);
  });
});

test('a slow answer leaves the event loop free', watchdog, async () => {
  await withFakeDaemon({ 't/slow@1': slowModel() }, async ({ attach }) => {
    const model = await attach('t/slow@1');
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await model.infer({ turns: 200, x: 1 });
    clearInterval(timer);
    assert.ok(ticks > 10, `${ticks} ticks`);
  });
});

test('whoever awaits one fast answer after the other lets timers run', watchdog, async () => {
  await withFakeDaemon(double, async ({ attach }) => {
    const model = await attach('t/add@1');
    const request = await model.request({ a: [1], b: [1] });
    let rang = false;
    setTimeout(() => {
      rang = true;
    }, 5);
    for (let i = 0; i < 1_000_000 && !rang; i++) (await request.infer()).release();
    assert.ok(rang);
  });
});

test('released results and closed requests are not usable', watchdog, async () => {
  await withFakeDaemon(double, async ({ attach }) => {
    const model = await attach('t/add@1');
    const request = await model.request({ a: [1], b: [1] });
    request.inputs['a']?.fill(3 as never);
    const result = await request.infer();
    const copy = result.copy();
    result.release();
    result.release();
    assert.equal(result.released, true);
    assert.throws(() => result.outputs, { code: 'FAILED_PRECONDITION' });
    assert.throws(() => result.copy(), { code: 'FAILED_PRECONDITION' });
    assert.equal(copy.outputs['sum']?.values[0], 3);
    const held = await request.infer();
    request.close();
    request.close();
    assert.equal(held.outputs['sum']?.values[0], 3, 'a result does not need its request');
    await assert.rejects(request.infer(), { code: 'FAILED_PRECONDITION' });
    assert.throws(() => request.inputs, { code: 'FAILED_PRECONDITION' });
    const under = await model.request({ a: [1], b: [1] });
    const views = under.inputs;
    const waiting = model.infer({ a: [1], b: [1] });
    model.close();
    model.close();
    await assert.rejects(waiting, { code: 'CANCELLED' }).catch(() => undefined);
    const closed = { code: 'FAILED_PRECONDITION', message: /t\/add@1 has been closed/ };
    await assert.rejects(model.infer({ a: [1], b: [1] }), closed);
    await assert.rejects(under.infer(), closed);
    await assert.rejects(model.request({ a: [1], b: [1] }), closed);
    assert.throws(() => model.inferSync({ a: [1], b: [1] }), closed);
    assert.equal(views['a']?.length, 0, 'views are detached');
    assert.throws(() => held.outputs, { code: 'FAILED_PRECONDITION' });
    held.release();
  });
});

test(
  'other outputs or another priority for one call leave the request as it is',
  watchdog,
  async () => {
    await withFakeDaemon(double, async ({ attach }) => {
      const model = await attach('t/add@1');
      const request = await model.request({ a: [2], b: [2] }, { outputs: ['sum'] });
      request.inputs['a']?.set([1, 2] as never);
      const names = async (options?: object) => {
        const result = await request.infer(options);
        const list = Object.keys(result.outputs);
        result.release();
        return list;
      };
      assert.deepEqual(await names(), ['sum']);
      assert.deepEqual(await names({ outputs: ['product', 'sum'] }), ['sum', 'product']);
      assert.deepEqual(await names({ priority: 'batch' }), ['sum']);
      await assert.rejects(request.infer({ outputs: ['no'] }), { code: 'UNKNOWN_INPUT' });
      assert.deepEqual(request.inferSync().copy().outputs['sum']?.toJSON(), [1, 2]);
    });
  },
);
