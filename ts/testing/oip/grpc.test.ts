import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { addMultiplyModel, identityModel } from '../onnx-models.ts';
import { OipGrpcClient } from './grpc-client.ts';

// Guards: the Open Inference Protocol over gRPC against a real daemon, as its stock clients speak it.

const watchdog = { timeout: 60_000 };
const invalidArgument = 3;
const notFound = 5;
const unimplemented = 12;

const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer);
const text = (value: string) => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};

describe('open inference protocol over gRPC', () => {
  const clients: OipGrpcClient[] = [];
  const cleanUp: (() => unknown)[] = [];

  before(async () => {
    const place = await openPlace({ after: (done) => void cleanUp.push(done as () => unknown) });
    const path = join(place.folder, 'g.sock');
    const daemon = await place.start({ args: ['--set', `api.grpc.socket_path=${path}`] });
    const models = {
      'test/pair@1': addMultiplyModel(),
      'test/floats@1': identityModel('float32', ['n', 3]),
      'test/texts@1': identityModel('string', ['n']),
      'test/wide@1': identityModel('int64', ['n']),
      'test/half@1': identityModel('float16', ['n']),
      'test/bool@1': identityModel('bool', ['n']),
    };
    for (const [id, model] of Object.entries(models)) {
      await registerModel(place, daemon, { id, model });
    }
    const targets = [`127.0.0.1:${daemon.grpcPort}`, `unix:${path}`];
    clients.push(...targets.map((target) => new OipGrpcClient(target)));
  });

  after(async () => {
    for (const client of clients) client.close();
    for (const done of cleanUp) await done();
  });

  /** The same over TCP and over the Unix socket. */
  async function each(body: (client: OipGrpcClient) => Promise<void>): Promise<void> {
    assert.equal(clients.length, 2);
    for (const client of clients) await body(client);
  }

  const infer = (model_name: string, input: object, rest: object = {}) => ({
    ...{ model_name, inputs: [{ name: 'x', ...input }], ...rest },
  });

  test('server and model: live, ready, metadata, configuration', watchdog, () =>
    each(async (client) => {
      assert.deepEqual(await client.call('ServerLive'), { live: true });
      assert.deepEqual(await client.call('ServerReady'), { ready: true });
      const server = await client.call('ServerMetadata');
      assert.equal(server.name, 'mlos');
      assert.ok(server.extensions.includes('statistics'));
      const name = 'test/floats';
      assert.deepEqual(await client.call('ModelReady', { name, version: '1' }), { ready: true });
      assert.deepEqual(await client.call('ModelReady', { name: 'test/none' }), { ready: false });
      const tensor = { datatype: 'FP32', shape: [-1, 3] };
      assert.deepEqual(await client.call('ModelMetadata', { name }), {
        name,
        versions: ['1'],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'x', ...tensor }],
        outputs: [{ name: 'y', ...tensor }],
      });
      const { config } = await client.call('ModelConfig', { name });
      assert.equal(config.input[0].data_type, 11, 'TYPE_FP32');
      assert.deepEqual(config.input[0].dims, [3]);
      assert.ok(config.max_batch_size > 0);
      assert.equal((await client.failure('ModelConfig', { name: 'no/such' }))[0], notFound);
    }),
  );

  test('elements raw and as typed contents; one raw entry for each output', watchdog, () =>
    each(async (client) => {
      const fp32 = { datatype: 'FP32', shape: [1, 3] };
      const raw = { raw_input_contents: [floats(1, 2.5, -0)] };
      const answer = await client.call(
        'ModelInfer',
        infer('test/floats', fp32, { id: '7', ...raw }),
      );
      assert.deepEqual(answer, {
        model_name: 'test/floats',
        model_version: '1',
        id: '7',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3] }],
        raw_output_contents: [floats(1, 2.5, -0)],
      });
      const typed: readonly (readonly [string, string, object, Buffer])[] = [
        ['test/floats', 'FP32', { fp32_contents: [1, Number.NaN, 3] }, floats(1, Number.NaN, 3)],
        ['test/bool', 'BOOL', { bool_contents: [true, false, true] }, Buffer.from([1, 0, 1])],
        [
          'test/wide',
          'INT64',
          { int64_contents: [1, -1, 2 ** 60] },
          Buffer.from(new BigInt64Array([1n, -1n, 2n ** 60n]).buffer),
        ],
        [
          'test/texts',
          'BYTES',
          { bytes_contents: ['a', '', 'ä€'].map((one) => Buffer.from(one)) },
          Buffer.concat(['a', '', 'ä€'].map(text)),
        ],
      ];
      for (const [model, datatype, contents, expected] of typed) {
        const shape = model === 'test/floats' ? [1, 3] : [3];
        const request = infer(model, { datatype, shape, contents });
        const { raw_output_contents: got } = await client.call('ModelInfer', request);
        assert.deepEqual(got, [expected], model);
      }
      const pair = {
        model_name: 'test/pair',
        inputs: ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [2] })),
        outputs: [],
        raw_input_contents: [floats(1, 2), floats(3, 4)],
      };
      const both = await client.call('ModelInfer', pair);
      assert.equal(both.raw_output_contents.length, both.outputs.length);
    }),
  );

  test('what does not fit is refused with what would be right', watchdog, () =>
    each(async (client) => {
      const fp32 = { datatype: 'FP32', shape: [1, 3] };
      const cases: readonly (readonly [object, RegExp])[] = [
        [infer('test/floats', fp32), /has no data/],
        [infer('test/floats', fp32, { raw_input_contents: [floats(1), floats(1)] }), /2 entries/],
        [infer('test/floats', { ...fp32, contents: { int_contents: [1] } }), /fp32_contents/],
        [infer('test/floats', { ...fp32, datatype: 'FP33', contents: {} }), /FP33/],
        [
          infer('test/half', { datatype: 'FP16', shape: [1], contents: { fp32_contents: [1] } }),
          /raw_input_contents/,
        ],
        [
          infer(
            'test/floats',
            { ...fp32, contents: { fp32_contents: [1, 2, 3] } },
            { raw_input_contents: [floats(1, 2, 3)] },
          ),
          /beside raw_input_contents/,
        ],
        [infer('test/floats', fp32, { raw_input_contents: [floats(1)] }), /12 bytes/],
      ];
      for (const [request, why] of cases) {
        const [code, message] = await client.failure('ModelInfer', request);
        assert.equal(code, invalidArgument, message);
        assert.match(message, why);
      }
    }),
  );

  test('parameters come in every type; a deadline too short is kept', watchdog, () =>
    each(async (client) => {
      const parameters = {
        priority: { uint64_param: 1 },
        timeout: { int64_param: 5_000_000 },
        mine: { string_param: 'x' },
        also: { double_param: 0.5 },
      };
      const raw_input_contents = [floats(1, 2, 3)];
      const fp32 = { datatype: 'FP32', shape: [1, 3] };
      const request = infer('test/floats', fp32, { parameters, raw_input_contents });
      assert.equal((await client.call('ModelInfer', request)).outputs.length, 1);
      const wrong = { ...request, parameters: { timeout: { string_param: 'soon' } } };
      assert.equal((await client.failure('ModelInfer', wrong))[0], invalidArgument);
    }),
  );

  test('a stream: in order, errors in their place, the final response where asked', watchdog, () =>
    each(async (client) => {
      const fp32 = { datatype: 'FP32', shape: [1, 3] };
      const good = (id: string) =>
        infer('test/floats', fp32, { id, raw_input_contents: [floats(1, 2, 3)] });
      const final = { triton_enable_empty_final_response: { bool_param: true } };
      const answers = await client.stream([
        good('a'),
        { ...good('b'), model_name: 'no/such' },
        { ...good('c'), parameters: final },
      ]);
      assert.deepEqual(
        answers.map(({ infer_response }) => infer_response.id),
        ['a', 'b', 'c'],
      );
      assert.equal(answers[0].error_message, undefined);
      assert.match(answers[1].error_message, /no\/such/);
      assert.deepEqual(answers[2].infer_response.parameters, {
        triton_final_response: { bool_param: true },
      });
    }),
  );

  test('statistics, repository, traces and logs', watchdog, () =>
    each(async (client) => {
      const { model_stats: stats } = await client.call('ModelStatistics', { name: 'test/floats' });
      assert.equal(stats.length, 1);
      assert.equal(stats[0].version, '1');
      const phases = stats[0].inference_stats;
      assert.ok(Number.isInteger(phases.queue.ns));
      // Those of the tests above.
      assert.ok(stats[0].last_inference > 0 && stats[0].last_inference <= Date.now());
      assert.ok(phases.compute_input.count > 0 && phases.compute_input.ns > 0);
      assert.equal(phases.compute_output.count, phases.compute_input.count);
      assert.ok(phases.compute_output.ns > 0);
      const { models } = await client.call('RepositoryIndex');
      assert.ok(models.some(({ name, state }: never) => name === 'test/pair' && state === 'READY'));
      const model_name = 'test/pair';
      const unload = { unload_dependents: { bool_param: false } };
      await client.call('RepositoryModelUnload', { model_name, parameters: unload });
      assert.deepEqual(await client.call('ModelReady', { name: model_name }), {
        ready: false,
      });
      await client.call('RepositoryModelLoad', { model_name });
      assert.deepEqual(await client.call('ModelReady', { name: model_name }), { ready: true });
      const trace = await client.call('TraceSetting', {
        settings: { trace_rate: { value: ['7'] } },
      });
      assert.deepEqual(trace.settings.trace_rate, { value: ['7'] });
      const cleared = await client.call('TraceSetting', { settings: { trace_rate: {} } });
      assert.deepEqual(cleared.settings.trace_rate, { value: ['1000'] });
      const settings = { log_verbose_level: { uint32_param: 1 } };
      const log = await client.call('LogSettings', { settings });
      assert.deepEqual(log.settings.log_verbose_level, { uint32_param: 1 });
      const quiet = { log_verbose_level: { uint32_param: 0 } };
      await client.call('LogSettings', { settings: quiet });
    }),
  );

  test('shared memory: asking and letting go work, and what is off says so', watchdog, () =>
    each(async (client) => {
      for (const kind of ['System', 'Cuda']) {
        assert.deepEqual(await client.call(`${kind}SharedMemoryStatus`), {});
        assert.deepEqual(await client.call(`${kind}SharedMemoryUnregister`), {});
        const register = { name: 'r', key: '/k', byte_size: 8, raw_handle: Buffer.alloc(1) };
        const [code] = await client.failure(`${kind}SharedMemoryRegister`, register);
        assert.equal(code, unimplemented);
      }
    }),
  );
});
