import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InferenceSession } from 'onnxruntime-node';
import type { Dtype } from '../../protocol/dtype.ts';
import type { MlosError } from '../../protocol/errors.ts';
import { elementCount, Tensor } from '../../protocol/tensor.ts';
import { elementsFromList } from '../../protocol/tensor-elements.ts';
import { onnxModel } from '../../testing/onnx-builder.ts';
import { type OnnxHost, openOnnxHost } from '../../testing/onnx-host.ts';
import {
  addMultiplyModel,
  bertLikeModel,
  failingModel,
  identityModel,
  matMulModel,
  sequenceModel,
} from '../../testing/onnx-models.ts';
import { fromOrtTensor, toOrtTensor } from './ort-tensor.ts';

let onnx: OnnxHost;
before(async () => {
  onnx = await openOnnxHost();
});
after(() => onnx[Symbol.asyncDispose]());

type Inputs = Record<string, Tensor>;

function tensor(dtype: Dtype, shape: readonly number[], list: readonly unknown[]): Tensor {
  return new Tensor(dtype, shape, elementsFromList(dtype, list, 'test'));
}

function infer(modelId: string, inputs: Inputs, outputs?: readonly string[]) {
  const wanted = outputs === undefined ? {} : { outputs };
  return onnx.host.infer({ modelId, inputs, timeoutMs: 30_000, ...wanted });
}

async function runInProcess(model: Uint8Array, inputs: Inputs): Promise<Map<string, Tensor>> {
  const session = await InferenceSession.create(model);
  const feeds: Record<string, ReturnType<typeof toOrtTensor>> = Object.create(null);
  for (const [name, value] of Object.entries(inputs)) feeds[name] = toOrtTensor(name, value);
  const results = await session.run(feeds);
  return new Map(
    session.outputNames.flatMap((name) => {
      const result = results[name];
      return result === undefined ? [] : [[name, fromOrtTensor(name, result)] as const];
    }),
  );
}

function plain({ dtype, shape, data }: Tensor): unknown {
  return {
    dtype,
    shape: [...shape],
    data: data instanceof Uint8Array ? Buffer.from(data).toString('hex') : [...data],
  };
}

/** Loads, runs through the plugin process and in this process, and compares bit for bit. */
async function compare(
  id: string,
  model: Uint8Array,
  inputs: Inputs,
): Promise<Map<string, Tensor>> {
  const expected = await runInProcess(model, inputs);
  await onnx.load(id, model);
  const { outputs } = await infer(id, inputs);
  assert.deepEqual(Object.keys(outputs).sort(), [...expected.keys()].sort());
  for (const [name, value] of expected)
    assert.deepEqual(plain(outputs[name] as Tensor), plain(value));
  return expected;
}

const samples: readonly (readonly [Dtype, readonly unknown[]])[] = [
  ['float32', [0, -0, 1.5, 3.4e38, 'NaN', '-Infinity']],
  ['float64', [0, -0, 0.1, 1e308, 'NaN', 'Infinity']],
  ['float16', [0, -0, 0.5, 65504, 'NaN', 'Infinity']],
  ['int8', [-128, 127, 0, 1, 2, 3]],
  ['int16', [-32768, 32767, 0, 1, 2, 3]],
  ['int32', [-2147483648, 2147483647, 0, 1, 2, 3]],
  ['int64', ['-9223372036854775808', '9223372036854775807', 0, 1, 2, 3]],
  ['uint8', [0, 255, 1, 2, 3, 4]],
  ['uint16', [0, 65535, 1, 2, 3, 4]],
  ['uint32', [0, 4294967295, 1, 2, 3, 4]],
  ['uint64', [0, '18446744073709551615', 1, 2, 3, 4]],
  ['bool', [true, false, true, true, false, false]],
  ['string', ['', 'a', 'ä€𝄞', 'two words', 'line\nline', 'x'.repeat(5_000)]],
];

for (const [dtype, list] of samples) {
  test(`${dtype}: bit for bit what the runtime gives in process`, async () => {
    const x = tensor(dtype, [2, 3], list);
    const results = await compare(`t/${dtype}@1`, identityModel(dtype, ['a', 3]), { x });
    if (dtype !== 'string') assert.deepEqual(plain(results.get('y') as Tensor), plain(x));
    await compare(`t/${dtype}-scalar@1`, identityModel(dtype, []), {
      x: tensor(dtype, [], [list[1]]),
    });
    await compare(`t/${dtype}-many@1`, identityModel(dtype, ['n']), {
      x: tensor(dtype, [6_000], Array.from({ length: 1_000 }, () => list).flat()),
    });
  });
}

test('a string keeps its zeros, which the JavaScript API cuts at', async () => {
  const x = tensor('string', [3], ['\u0000', 'a\u0000b', '']);
  await onnx.load('t/zeros@1', identityModel('string', ['n']));
  const { outputs } = await infer('t/zeros@1', { x });
  assert.deepEqual(plain(outputs['y'] as Tensor), plain(x));
});

for (const dtype of ['float32', 'int64', 'bool', 'string'] as const) {
  test(`${dtype}: an empty dimension`, async () => {
    await compare(`t/${dtype}-empty@1`, identityModel(dtype, ['n', 3]), {
      x: tensor(dtype, [0, 3], []),
    });
  });
}

test('elements that do not lie at a multiple of their size', async () => {
  const bytes = new Uint8Array(1 + 8 * 3).subarray(1);
  bytes.set(new Uint8Array(new BigInt64Array([1n, -2n, 3n]).buffer));
  await compare('t/unaligned@1', identityModel('int64', ['n']), {
    x: new Tensor('int64', [3], bytes),
  });
});

test('several inputs and outputs, and a choice of outputs', async () => {
  const inputs = { a: tensor('float32', [2], [1, 2]), b: tensor('float32', [2], [3, 4]) };
  await compare('t/add@1', addMultiplyModel(), inputs);
  const { outputs } = await infer('t/add@1', inputs, ['product']);
  assert.deepEqual(Object.keys(outputs), ['product']);
  assert.deepEqual(outputs['product']?.toJSON(), [3, 8]);
});

test('a matrix product at any batch', async () => {
  for (const batch of [1, 7, 64]) {
    const list = Array.from({ length: batch * 64 }, (_, i) => Math.sin(i));
    await compare('t/matmul@1', matMulModel(64, 32), { x: tensor('float32', [batch, 64], list) });
  }
});

test('three int64 inputs, as a text classifier has', async () => {
  const ids = tensor('int64', [1, 4], [101, 7592, 2088, 102]);
  const inputs = { input_ids: ids, attention_mask: ids, token_type_ids: ids };
  await compare('t/bert@1', bertLikeModel(), inputs);
  const { signature } = await onnx.load('t/bert@1', bertLikeModel());
  assert.deepEqual(signature.inputs[1], {
    name: 'attention_mask',
    dtype: 'int64',
    shape: [-1, -1],
    dims: ['batch', 'sequence'],
  });
});

for (const name of [
  'a:b',
  'onnx::Flatten_0',
  'größe',
  'constructor',
  'toString',
  'a b',
  '0',
  '…'.repeat(300),
]) {
  test(`odd names: ${name.slice(0, 20)}`, async () => {
    const x = tensor('float32', [2], [1, 2]);
    const model = identityModel('float32', ['n'], { input: name, output: `${name}'` });
    await compare('t/odd@1', model, { [name]: x });
    await compare('t/odd@1', identityModel('float32', ['n'], { input: 'x', output: name }), { x });
  });
}

test('a scalar and a value of open rank are told apart', async () => {
  const open = await onnx.load('t/open@1', identityModel('float32', null));
  assert.deepEqual(
    [open.signature.inputs[0]?.shape, open.signature.outputs[0]?.shape],
    [null, null],
  );
  const scalar = await onnx.load('t/scalar@1', identityModel('float32', []));
  assert.deepEqual(
    [scalar.signature.inputs[0]?.shape, scalar.signature.outputs[0]?.shape],
    [[], []],
  );
  for (const shape of [[], [2], [1, 2]]) {
    const list = Array(shape.at(-1) ?? 1).fill(1.5);
    await compare('t/open@1', identityModel('float32', null), {
      x: tensor('float32', shape, list),
    });
  }
});

test('an input or output named __proto__ works', async () => {
  const inputs: Inputs = Object.create(null);
  const odd = '__proto__';
  inputs[odd] = tensor('float32', [1], [5]);
  const input = identityModel('float32', ['n'], { input: '__proto__' });
  await onnx.load('t/proto@1', input);
  const { outputs } = await infer('t/proto@1', inputs);
  assert.deepEqual(outputs['y']?.toJSON(), [5]);
  await onnx.load('t/proto-out@1', identityModel('float32', ['n'], { output: '__proto__' }));
  const x = tensor('float32', [1], [6]);
  const answer = await infer('t/proto-out@1', { x });
  assert.deepEqual(
    Object.entries(answer.outputs).map(([name]) => name),
    ['__proto__'],
  );
});

async function rejects(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: MlosError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

test('what cannot be loaded says why', async () => {
  await rejects(
    onnx.load('t/junk@1', Buffer.from('not a model')),
    'MODEL_LOAD_FAILED',
    /protobuf/i,
  );
  await rejects(onnx.load('t/empty@1', Buffer.alloc(0)), 'MODEL_LOAD_FAILED', /./);
  const missing = { modelId: 't/missing@1', path: '/', file: '/nowhere/model.onnx' };
  await rejects(onnx.host.load(missing), 'MODEL_LOAD_FAILED', /nowhere/);
  await rejects(onnx.load('t/sequence@1', sequenceModel()), 'UNIMPLEMENTED', /"pieces".*sequence/);
  const unknown = { nodes: [{ op: 'NoSuchOperator', inputs: ['x'], outputs: ['y'] }] };
  const value = { dtype: 'float32' as const, shape: ['n'] };
  const io = { inputs: [{ ...value, name: 'x' }], outputs: [{ ...value, name: 'y' }] };
  const strange = onnxModel({ ...unknown, ...io });
  await rejects(onnx.load('t/strange@1', strange), 'MODEL_LOAD_FAILED', /NoSuchOperator/);
  assert.equal(onnx.host.status.restarts, 0);
});

test('bfloat16, which the JavaScript API does not carry', async () => {
  await onnx.load('t/bfloat16@1', identityModel('bfloat16', ['n']));
  const x = new Tensor('bfloat16', [2], Uint8Array.of(0x80, 0x3f, 0x00, 0x40));
  const { outputs } = await infer('t/bfloat16@1', { x });
  assert.deepEqual(plain(outputs['y'] as Tensor), plain(x));
});

test('a model with more outputs, or a longer name, than a request may have', async () => {
  const outputs = Array.from({ length: 257 }, (_, i) => `y${i}`);
  const value = { dtype: 'float32' as const, shape: ['n'] };
  const wide = onnxModel({
    nodes: outputs.map((name) => ({ op: 'Identity', inputs: ['x'], outputs: [name] })),
    inputs: [{ ...value, name: 'x' }],
    outputs: outputs.map((name) => ({ ...value, name })),
  });
  await rejects(onnx.load('t/wide@1', wide), 'UNIMPLEMENTED', /257 outputs/i);
  const long = identityModel('float32', ['n'], { input: 'x'.repeat(1_025) });
  await rejects(onnx.load('t/long@1', long), 'UNIMPLEMENTED', /1025 characters/);
});

test('a failure at run is INFERENCE_FAILED with the reason, and the next request works', async () => {
  await onnx.load('t/failing@1', failingModel());
  const x = (count: number) => ({ x: tensor('float32', [count], Array(count).fill(1)) });
  await rejects(infer('t/failing@1', x(2)), 'INFERENCE_FAILED', /Reshape/);
  const { outputs } = await infer('t/failing@1', x(7));
  assert.deepEqual(outputs['y']?.shape, [7]);
});

test('a missing, an unknown input and an unknown output are named', async () => {
  await onnx.load('t/add@1', addMultiplyModel());
  const a = tensor('float32', [1], [1]);
  await rejects(infer('t/add@1', { a }), 'MISSING_INPUT', /"b"/);
  await rejects(infer('t/add@1', { a, b: a, c: a }), 'UNKNOWN_INPUT', /"c"/);
  await rejects(infer('t/add@1', { a, b: a }, ['nothing']), 'UNKNOWN_INPUT', /"nothing"/);
});

test('session options are checked and used', async () => {
  const model = matMulModel(4, 4);
  await onnx.load('t/threads@1', model, { intra_op_threads: 1, graph_optimization: 'disabled' });
  const load = (options: Record<string, unknown>) => onnx.load('t/options@1', model, options);
  await rejects(load({ intra_op_threads: -1 }), 'INVALID_ARGUMENT', /intra_op_threads: -1 came/);
  await rejects(load({ intra_op_thread: 1 }), 'INVALID_ARGUMENT', /mean "intra_op_threads"/);
  for (const [name, value] of [
    ['priority', 'urgent'],
    ['instances', 0],
    ['batching', true],
    ['max_batch', 1_025],
    ['max_delay_us', -1],
    ['max_queue', 0.5],
    ['cpus', [-1]],
    ['runner', 'python'],
  ] as const) {
    await rejects(
      load({ [name]: value }),
      'INVALID_ARGUMENT',
      new RegExp(`Option ${name}: .*came`),
    );
  }
  const engine = { priority: 'high', instances: 2, batching: 'fixed', max_batch: 4, max_queue: 9 };
  await load({ ...engine, max_delay_us: 10, cpus: [0], runner: 'native' });
});

test('unload frees the model, loading again replaces it', async () => {
  const x = tensor('float32', [1], [1]);
  await onnx.load('t/swap@1', identityModel('float32', ['n']));
  await onnx.load('t/swap@1', addMultiplyModel());
  const { outputs } = await infer('t/swap@1', { a: x, b: x });
  assert.deepEqual(outputs['sum']?.toJSON(), [2]);
  await onnx.host.unload('t/swap@1');
  await rejects(infer('t/swap@1', { a: x, b: x }), 'FAILED_PRECONDITION', /not loaded/);
});

test('a tensor of 64 MiB goes through', async () => {
  const shape = [16 * 1024 * 1024];
  const bytes = new Uint8Array(elementCount(shape, 'x') * 4);
  new Float32Array(bytes.buffer).set([1, 2, 3]);
  await onnx.load('t/large@1', identityModel('float32', ['n']));
  const { outputs } = await infer('t/large@1', { x: new Tensor('float32', shape, bytes) });
  assert.ok(Buffer.compare(outputs['y']?.data as Uint8Array, bytes) === 0);
});
