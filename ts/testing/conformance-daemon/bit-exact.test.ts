import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import type { Client } from '../../client/client.ts';
import { fromOrtTensor, toOrtTensor } from '../../plugins/onnx/ort-tensor.ts';
import type { Dtype } from '../../protocol/dtype.ts';
import { Tensor, type TensorSpec } from '../../protocol/tensor.ts';
import { elementsFromList } from '../../protocol/tensor-elements.ts';
import { tensorFromInput } from '../../protocol/tensor-input.ts';
import { registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { caseModels, dtypesHere, oddNames, samples } from './world.ts';

/*
 * Guards: what comes out of either door is, bit for bit, what the same runtime gives in the app's own
 * process with the same number of threads.
 */
type Inputs = Readonly<Record<string, Tensor>>;

function tensor(dtype: Dtype, shape: readonly number[], list: readonly unknown[]): Tensor {
  return new Tensor(dtype, shape, elementsFromList(dtype, list, 'test'));
}

/** Numbers that have no short decimal form. */
function noise(count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 12.9898) * 43.758));
}

const inputsOf: Readonly<Record<string, Inputs>> = {
  ...Object.fromEntries(
    dtypesHere.map((dtype) => [dtype, { x: tensor(dtype, [2, 3], samples[dtype] ?? []) }]),
  ),
  ...Object.fromEntries(
    oddNames.map((name, index) => [
      `odd-${index}`,
      Object.fromEntries([[name, tensor('float32', [3], noise(3))]]),
    ]),
  ),
  scalar: { x: tensor('float32', [], [0.1]) },
  vector: { x: tensor('float32', [10_000], noise(10_000)) },
  fixed: { x: tensor('int64', [2, 2], [1, '9007199254740993', -3, 4]) },
  image: { x: tensor('float32', [2, 3, 4, 5], noise(120)) },
  'add-multiply': {
    a: tensor('float32', [500], noise(500)),
    b: tensor('float32', [500], noise(500)),
  },
  matmul: { x: tensor('float32', [8, 64], noise(512)) },
  bert: {
    input_ids: tensor('int64', [2, 4], [101, 7592, 2088, 102, 101, 1, 2, 102]),
    attention_mask: tensor('int64', [2, 4], [1, 1, 1, 1, 1, 1, 0, 0]),
    token_type_ids: tensor('int64', [2, 4], [0, 0, 1, 1, 0, 0, 0, 0]),
  },
  failing: { x: tensor('float32', [7], noise(7)) },
};

function bits({ dtype, shape, data }: Tensor): unknown {
  const elements = data instanceof Uint8Array ? Buffer.from(data).toString('hex') : [...data];
  return { dtype, shape: [...shape], elements };
}

async function inProcess(model: Uint8Array, inputs: Inputs): Promise<Map<string, unknown>> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const feeds = Object.create(null);
  for (const [name, value] of Object.entries(inputs)) feeds[name] = toOrtTensor(name, value);
  const results = await session.run(feeds);
  const entries = session.outputNames.map((name) => {
    const result = results[name];
    assert.ok(result);
    return [name, bits(fromOrtTensor(name, result))] as const;
  });
  await session.release();
  return new Map(entries);
}

async function throughHttp(daemon: DaemonProcess, id: string, inputs: Inputs) {
  const wire = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, { ...value, data: value.toJSON() }]),
  );
  // JSON.stringify writes −0 as 0; the number itself is legal JSON.
  const text = JSON.stringify({ inputs: wire }, (_, value) =>
    Object.is(value, -0) ? '-0' : value,
  );
  const path = `/models/${encodeURIComponent(id)}/inference`;
  const { body } = await daemon.http.send('POST', path, text.replaceAll('"-0"', '-0'));
  assert.equal(body.status, 'success', JSON.stringify(body));
  return new Map(
    Object.keys(body.outputs).map((name) => {
      const spec: TensorSpec = { name, dtype: body.output_dtypes[name], shape: null };
      const shape = body.output_shapes[name];
      return [name, bits(tensorFromInput(spec, { shape, data: body.outputs[name] }))] as const;
    }),
  );
}

async function throughIpc(client: Client, id: string, inputs: Inputs) {
  const { outputs } = await client.infer(id, inputs);
  return new Map(Object.entries(outputs).map(([name, value]) => [name, bits(value)]));
}

/** Both ways of an attached client: copied, and written in place where the dtype has a place. */
async function throughChannel(client: Client, id: string, inputs: Inputs) {
  using model = await client.attach(id);
  const { outputs } = await model.infer(inputs);
  const copied = new Map(Object.entries(outputs).map(([name, value]) => [name, bits(value)]));
  if (Object.values(inputs).some(({ dtype }) => dtype === 'string')) return copied;
  using request = await model.request(inputs);
  for (const [name, { data }] of Object.entries(inputs)) {
    const { buffer, byteOffset, byteLength } = request.inputs[name] as Uint8Array;
    new Uint8Array(buffer, byteOffset, byteLength).set(data as Uint8Array);
  }
  using result = request.inferSync();
  const inPlace = Object.entries(result.copy().outputs);
  assert.deepEqual(new Map(inPlace.map(([name, value]) => [name, bits(value)])), copied);
  return copied;
}

for (const adapter of ['uwebsockets', 'node']) {
  test(`every model, bit for bit (${adapter} and ipc)`, { timeout: 120_000 }, async (t) => {
    const place = await openPlace(t);
    const settings = ['inference.intra_op_threads=1', `api.http.adapter=${adapter}`];
    const daemon = await place.start({ args: settings.flatMap((setting) => ['--set', setting]) });
    const client = await daemon.connect();
    const faults: string[] = [];
    for (const [name, make] of Object.entries(caseModels)) {
      const id = `exact/${name}@1`;
      const inputs = inputsOf[name];
      assert.ok(inputs, `no inputs for ${name}`);
      const model = make();
      await registerModel(place, daemon, { id, model });
      const expected = await inProcess(model, inputs);
      const overHttp = await throughHttp(daemon, id, inputs).catch(String);
      const overIpc = await throughIpc(client, id, inputs).catch(String);
      // All models are tried, whatever one of them comes to.
      if (!isDeepStrictEqual(overHttp, expected))
        faults.push(`${name} over HTTP: ${inspect(overHttp)}`);
      if (!isDeepStrictEqual(overIpc, expected))
        faults.push(`${name} over IPC: ${inspect(overIpc)}`);
      const attached = await throughChannel(client, id, inputs).catch(String);
      if (!isDeepStrictEqual(attached, expected))
        faults.push(`${name} attached: ${inspect(attached)}`);
    }
    t.diagnostic(`${Object.keys(caseModels).length} models`);
    assert.deepEqual(faults, []);
  });
}

test('what JSON has no number for arrives too', { timeout: 60_000 }, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const client = await daemon.connect();
  for (const dtype of ['float32', 'float64', 'float16'] as const) {
    const id = `exact/${dtype}@1`;
    const model = caseModels[dtype]?.() ?? new Uint8Array();
    await registerModel(place, daemon, { id, model });
    const inputs = { x: tensor(dtype, [1, 3], [-0, 'NaN', '-Infinity']) };
    const expected = await inProcess(model, inputs);
    assert.deepEqual(await throughIpc(client, id, inputs), expected, `${dtype} over IPC`);
    assert.deepEqual(await throughHttp(daemon, id, inputs), expected, `${dtype} over HTTP: -0`);
  }
});
