import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MlosError } from '../protocol/errors.ts';
import type { Signature } from '../protocol/tensor.ts';
import { Tensor } from '../protocol/tensor.ts';
import { EngineInProcess, plainModel, plainRuntime } from '../testing/engine-in-process.ts';
import { addMultiplyModel, failingModel, identityModel } from '../testing/onnx-models.ts';
import type { Answer, ClientChannel, PreparedRequest, TensorSlot } from './client-channel.ts';
import type { CallbackRun } from './engine.ts';
import { readEngineStats } from './engine-stats.ts';
import { packStrings, unpackStrings } from './packed-strings.ts';
import { onReadable } from './readable.ts';

const options = { timeout: 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'mlos-engine-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
async function addOnnx(host: EngineInProcess, model: Uint8Array) {
  const file = join(folder, `${++files}.onnx`);
  writeFileSync(file, model);
  return host.engine.addOnnxModel(file, plainRuntime(), plainModel);
}

function floats(index: number, ...values: number[]): { slot: TensorSlot; bytes: Uint8Array } {
  const bytes = new Uint8Array(new Float32Array(values).buffer);
  const shape = [values.length];
  return { slot: { index, dtype: 'float32', shape, byteLength: bytes.length }, bytes };
}

function prepare(channel: ClientChannel, inputs: ReturnType<typeof floats>[]): PreparedRequest {
  const request = channel.prepare(inputs.map(({ slot }) => slot));
  assert.ok(request !== null);
  for (const [i, { bytes }] of inputs.entries()) request.inputs[i]?.set(bytes);
  return request;
}

function asFloats(answer: Answer): number[][] {
  assert.equal(answer.code, null, answer.message);
  return answer.outputs.map(({ bytes }) => [...new Float32Array(bytes.slice().buffer)]);
}

/** The next answer, through the event loop as a client without a spin has it. */
async function next(channel: ClientChannel): Promise<Answer> {
  for (;;) {
    const answer = channel.poll();
    if (answer !== null) return answer;
    if (!channel.listen()) {
      if (channel.state === 'closed')
        throw new MlosError(channel.closeCode ?? 'INTERNAL', 'closed');
      continue;
    }
    await new Promise<void>((resolve) =>
      onReadable(channel.socketFd, resolve, { keepAlive: true }),
    );
    channel.stopListening();
    channel.checkPeer();
  }
}

const signature: Signature = {
  inputs: [{ name: 'x', dtype: 'float32', shape: [-1], dims: ['n'] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: null }],
};
const twice: CallbackRun = async (inputs) => {
  const x = inputs.get('x') as Tensor;
  const y = (x.values as Float32Array).map((value) => value * 2);
  return new Map([['y', new Tensor('float32', x.shape, new Uint8Array(y.buffer))]]);
};

test('an ONNX model answers synchronously, by spinning and by polling', options, async () => {
  using host = await EngineInProcess.start();
  const model = await addOnnx(host, addMultiplyModel());
  assert.match(model.runner, /onnxruntime/i);
  assert.deepEqual(
    model.signature.inputs.map(({ name }) => name),
    ['a', 'b'],
  );
  using channel = await host.open(model.handle);
  assert.equal(channel.state, 'open');
  const request = prepare(channel, [floats(0, 1, 2), floats(1, 3, 4)]);

  const first = request.runSync(10_000);
  assert.deepEqual(asFloats(first), [
    [4, 6],
    [3, 8],
  ]);
  assert.ok(first.batch >= 1 && first.runNs > 0);
  first.release();
  first.release();

  request.inputs[0]?.set(floats(0, 10, 20).bytes);
  const spun = request.submitAndSpin(1_000_000);
  assert.ok(typeof spun !== 'number');
  assert.deepEqual(asFloats(spun)[0], [13, 24]);
  spun.release();

  const id = request.submit();
  const polled = await next(channel);
  assert.equal(polled.requestId, id);
  assert.deepEqual(asFloats(polled)[1], [30, 80]);
  polled.release();
  assert.equal(channel.inFlight, 0);

  const only = channel.prepare([floats(0, 1).slot, floats(1, 1).slot], { outputs: [1] });
  const answer = only?.runSync(10_000);
  assert.deepEqual(
    answer?.outputs.map(({ index }) => index),
    [1],
  );
  const [row] = readEngineStats(host.stats);
  assert.equal(row?.handle, model.handle);
  assert.equal(row?.succeeded, 4);
});

test('many requests of one client are all answered, whatever the order', options, async () => {
  using host = await EngineInProcess.start();
  const { handle } = await addOnnx(host, identityModel('float32', ['n']));
  using channel = await host.open(handle);
  const requests = Array.from({ length: 100 }, () => prepare(channel, [floats(0, 0)]));
  for (let round = 0; round < 20; round += 1) {
    const expected = new Map<number, number>();
    for (const [i, request] of requests.entries()) {
      const value = round * 1_000 + i;
      request.inputs[0]?.set(floats(0, value).bytes);
      expected.set(request.submit(), value);
    }
    // Answers that come while another is waited for are kept.
    const probe = prepare(channel, [floats(0, -1)]);
    const own = probe.runSync(10_000);
    assert.deepEqual(asFloats(own), [[-1]]);
    own.release();
    probe.free();
    while (expected.size > 0) {
      const answer = await next(channel);
      assert.deepEqual(asFloats(answer), [[expected.get(answer.requestId)]]);
      expected.delete(answer.requestId);
      answer.release();
    }
  }
  assert.equal(channel.poll(), null);
});

test('a store to an output neither crashes nor spoils later answers', options, async () => {
  using host = await EngineInProcess.start();
  const { handle } = await addOnnx(host, identityModel('float32', ['n']));
  using channel = await host.open(handle);
  const request = prepare(channel, [floats(0, 1, 2, 3)]);
  for (let i = 0; i < 200; i += 1) {
    request.inputs[0]?.set(floats(0, i, i + 1, i + 2).bytes);
    const answer = request.runSync(10_000);
    assert.deepEqual(asFloats(answer), [[i, i + 1, i + 2]]);
    for (const { bytes } of answer.outputs) bytes.fill(0xff);
    answer.release();
  }
});

test('errors of the model are answers; the channel goes on', options, async () => {
  using host = await EngineInProcess.start();
  const { handle } = await addOnnx(host, failingModel());
  using channel = await host.open(handle);
  const failed = prepare(channel, [floats(0, 1, 1)]).runSync(10_000);
  assert.equal(failed.code, 'INFERENCE_FAILED');
  assert.match(failed.message, /Reshape/);
  assert.deepEqual(failed.outputs, []);
  failed.release();
  const dtype = channel.prepare([{ index: 0, dtype: 'int32', shape: [7], byteLength: 28 }]);
  assert.equal(dtype?.runSync(10_000).code, 'INVALID_DTYPE');
  assert.equal(channel.prepare([])?.runSync(10_000).code, 'MISSING_INPUT');
  const shape = channel.prepare([{ index: 0, dtype: 'float32', shape: [2], byteLength: 4 }]);
  assert.equal(shape?.runSync(10_000).code, 'INVALID_SHAPE');
  const good = prepare(channel, [floats(0, 1, 1, 1, 1, 1, 1, 1)]).runSync(10_000);
  assert.equal(good.code, null);
});

test('an answer arena that is full is said, and works again after a release', options, async () => {
  using host = await EngineInProcess.start();
  const { handle } = await addOnnx(host, identityModel('float32', ['n']));
  using channel = await host.open(handle, { responseArenaBytes: 1 << 16 });
  const request = channel.prepare([floats(0, ...new Array(4096).fill(1)).slot]);
  const held: Answer[] = [];
  let refused: Answer | undefined;
  while (refused === undefined && held.length < 100) {
    const answer = request?.runSync(10_000) as Answer;
    if (answer.code === null) held.push(answer);
    else refused = answer;
  }
  assert.ok(held.length >= 2);
  assert.ok(refused?.code === 'PAYLOAD_TOO_LARGE' || refused?.code === 'TOO_MANY_REQUESTS');
  for (const answer of held) answer.release();
  assert.equal(request?.runSync(10_000).code, null);
});

test('a model of a JavaScript function is served through channels', options, async () => {
  using host = await EngineInProcess.start();
  const model = await host.engine.addCallbackModel(signature, twice, plainModel, 'doubles');
  assert.deepEqual(model.signature, signature);
  assert.equal(model.runner, 'doubles');
  using channel = await host.open(model.handle);
  const request = prepare(channel, [floats(0, 1, -2)]);
  for (let i = 0; i < 50; i += 1) {
    request.submit();
    const answer = await next(channel);
    assert.deepEqual(asFloats(answer), [[2, -4]]);
    answer.release();
  }
  await host.engine.removeModel(model.handle, 'MODEL_NOT_FOUND');
  channel.checkPeer();
  assert.equal(channel.closeCode, 'MODEL_NOT_FOUND');
  assert.throws(() => request.submit(), { code: 'MODEL_NOT_FOUND' });
});

test('strings go in and out packed', options, async () => {
  using host = await EngineInProcess.start();
  const text: Signature = {
    inputs: [{ name: 't', dtype: 'string', shape: [-1] }],
    outputs: [{ name: 'u', dtype: 'string', shape: [-1] }],
  };
  const upper: CallbackRun = async (inputs) => {
    const t = inputs.get('t') as Tensor;
    const list = (t.data as readonly string[]).map((word) => word.toUpperCase());
    return new Map([['u', new Tensor('string', t.shape, list)]]);
  };
  const { handle } = await host.engine.addCallbackModel(text, upper, plainModel, 'upper');
  using channel = await host.open(handle);
  const packed = packStrings(['ä', '', 'xyz']);
  const request = channel.prepare([
    { index: 0, dtype: 'string', shape: [3], byteLength: packed.byteLength },
  ]);
  request?.inputs[0]?.set(packed);
  request?.submit();
  const [output] = (await next(channel)).outputs;
  assert.deepEqual(unpackStrings(output?.bytes as Uint8Array, 3), ['Ä', '', 'XYZ']);
});

test("a function's errors and nonsense become the answer's error", options, async () => {
  using host = await EngineInProcess.start();
  const bad = new Tensor('int32', [1], new Uint8Array(4));
  const behaviours: [CallbackRun, string][] = [
    [() => Promise.reject(new Error('plain')), 'INFERENCE_FAILED'],
    [() => Promise.reject(new MlosError('INVALID_VALUE', 'no')), 'INVALID_VALUE'],
    [
      () => {
        throw new Error('synchronous');
      },
      'INFERENCE_FAILED',
    ],
    [async () => new Map(), 'INFERENCE_FAILED'],
    [async () => new Map([['y', bad]]), 'INFERENCE_FAILED'],
    [async () => undefined as never, 'INFERENCE_FAILED'],
  ];
  for (const [run, code] of behaviours) {
    const { handle } = await host.engine.addCallbackModel(signature, run, plainModel, 'bad');
    using channel = await host.open(handle);
    prepare(channel, [floats(0, 1)]).submit();
    const answer = await next(channel);
    assert.equal(answer.code, code, answer.message);
    assert.notEqual(answer.message, '');
    await host.engine.removeModel(handle, 'MODEL_NOT_FOUND');
  }
});

test('a cancelled run is let go; what JavaScript answers later is dropped', options, async () => {
  using host = await EngineInProcess.start();
  let settle: (() => void) | undefined;
  let runs = 0;
  const slow: CallbackRun = async (inputs, outputs) => {
    runs += 1;
    if (runs === 1) await new Promise<void>((resolve) => (settle = resolve));
    return twice(inputs, outputs);
  };
  const { handle } = await host.engine.addCallbackModel(signature, slow, plainModel, 'slow');
  using channel = await host.open(handle);
  const request = prepare(channel, [floats(0, 1)]);
  const id = request.submit();
  while (runs === 0) await sleep(5);
  assert.equal(channel.wasBegun(id), true);
  channel.cancel(id);
  assert.equal((await next(channel)).code, 'CANCELLED');
  // The only worker is free, though the first run is still under way.
  request.submit();
  assert.deepEqual(asFloats(await next(channel)), [[2]]);
  settle?.();
  request.submit();
  assert.deepEqual(asFloats(await next(channel)), [[2]]);
});

test('a cancelled run that blocks is waited for', options, async () => {
  using host = await EngineInProcess.start();
  let settle: (() => void) | undefined;
  let runs = 0;
  const slow: CallbackRun = async (inputs, outputs) => {
    runs += 1;
    if (runs === 1) await new Promise<void>((resolve) => (settle = resolve));
    return twice(inputs, outputs);
  };
  const { handle } = await host.engine.addCallbackModel(signature, slow, plainModel, 'slow', true);
  using channel = await host.open(handle);
  const request = prepare(channel, [floats(0, 1)]);
  const id = request.submit();
  while (runs === 0) await sleep(5);
  channel.cancel(id);
  assert.equal((await next(channel)).code, 'CANCELLED');
  request.submit();
  await sleep(50);
  assert.equal(runs, 1);
  settle?.();
  assert.deepEqual(asFloats(await next(channel)), [[2]]);
});

test('close ends runs that wait for JavaScript, and leaves nothing open', options, async () => {
  const fds = () => readdirSync('/proc/self/fd').length;
  const before = fds();
  for (let round = 0; round < 5; round += 1) {
    const host = await EngineInProcess.start();
    let begun = 0;
    const never: CallbackRun = () => {
      begun += 1;
      return new Promise(() => {});
    };
    const { handle } = await host.engine.addCallbackModel(signature, never, plainModel, 'never');
    using channel = await host.open(handle);
    prepare(channel, [floats(0, 1)]).submit();
    while (begun === 0) await sleep(5);
    host.close();
    host.engine.close();
    channel.checkPeer();
    assert.equal(channel.state, 'closed');
    assert.notEqual(channel.closeCode, null);
    await assert.rejects(host.engine.addCallbackModel(signature, never, plainModel, 'x'), {
      code: 'HANDLE_CLOSED',
    });
  }
  assert.ok(fds() <= before + 2, `${fds()} descriptors, ${before} before`);
});

test('a model that cannot be loaded says why; wrong options too', options, async () => {
  using host = await EngineInProcess.start();
  await assert.rejects(addOnnx(host, Buffer.from('junk')), {
    name: 'MlosError',
    code: 'MODEL_LOAD_FAILED',
  });
  const file = join(folder, 'none.onnx');
  const library = '/nonexistent/libonnxruntime.so.1';
  await assert.rejects(host.engine.addOnnxModel(file, { library }, plainModel), {
    name: 'MlosError',
    code: 'UNIMPLEMENTED',
  });
  for (const wrong of [
    { instances: 0 },
    { instances: 17 },
    { maxBatch: 0 },
    { batching: 'some' },
    { priority: 'late' },
    { cpus: [-1] },
    { maxQueue: 0.5 },
  ]) {
    const strange = { ...plainModel, ...wrong } as never;
    await assert.rejects(host.engine.addOnnxModel(file, plainRuntime(), strange), {
      code: 'INVALID_ARGUMENT',
    });
  }
  await assert.rejects(host.engine.removeModel(77, 'CANCELLED'));
});
