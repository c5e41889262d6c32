import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { registerModel } from '../daemon/models.ts';
import { becomes } from '../daemon/processes.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { addMultiplyModel, identityModel, matMulModel } from '../onnx-models.ts';
import { registerSum } from '../sequences/stateful-model.ts';
import { exchange, type OipReply, withBinary } from './exchange.ts';

// Guards: the Open Inference Protocol over HTTP against a real daemon, with the very requests that its
// stock clients send, and what is known to break them.

const watchdog = { timeout: 60_000 };

for (const adapter of ['auto', 'node']) {
  describe(`open inference protocol over HTTP, adapter ${adapter}`, () => {
    let place: Place;
    let daemon: DaemonProcess;
    const cleanUp: (() => unknown)[] = [];

    before(async () => {
      place = await openPlace({ after: (done) => cleanUp.push(done as () => unknown) });
      daemon = await place.start({ args: ['--set', `api.http.adapter=${adapter}`] });
      const models = {
        'test/simple@1': identityModel('float32', [2, 4], { input: 'INPUT0', output: 'OUTPUT0' }),
        'test/vector@1': identityModel('float32', ['n']),
        'test/texts@1': identityModel('string', ['n']),
        'test/wide@1': identityModel('int64', ['n']),
        'test/half@1': identityModel('float16', ['n']),
        'test/pair@1': addMultiplyModel(),
        'test/linear@1': matMulModel(4, 6),
      };
      for (const [id, model] of Object.entries(models)) {
        await registerModel(place, daemon, { id, model });
      }
    });
    after(async () => {
      for (const done of cleanUp) await done();
    });

    const get = (path: string) => exchange(daemon.httpPort, 'GET', path);
    const post = (path: string, options: Parameters<typeof exchange>[3] = {}) =>
      exchange(daemon.httpPort, 'POST', path, options);
    const infer = (model: string, json: unknown) =>
      post(`/v2/models/${model}/infer`, { body: JSON.stringify(json) });
    const floats = (reply: OipReply) => [
      ...new Float32Array(new Uint8Array(reply.binary).buffer, 0, reply.binary.length / 4),
    ];

    test('a request with binary data, as captured from the stock client', watchdog, async () => {
      const values = Float32Array.from({ length: 8 }, (_, i) => i / 2);
      const json = {
        id: '42',
        inputs: [
          {
            name: 'INPUT0',
            shape: [2, 4],
            datatype: 'FP32',
            parameters: { binary_data_size: 32 },
          },
        ],
        parameters: { binary_data_output: true },
      };
      const sent = withBinary(json, values);
      const reply = await post('/v2/models/test/simple/infer', sent);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['content-type'], 'application/octet-stream');
      assert.deepEqual(reply.json, {
        id: '42',
        model_name: 'test/simple',
        model_version: '1',
        outputs: [
          {
            name: 'OUTPUT0',
            datatype: 'FP32',
            shape: [2, 4],
            parameters: { binary_data_size: 32 },
          },
        ],
      });
      assert.deepEqual(floats(reply), [...values]);
      // The header counts the JSON before it is compressed.
      for (const [coding, pack, unpack] of [
        ['gzip', gzipSync, gunzipSync],
        ['deflate', deflateSync, inflateSync],
      ] as const) {
        const coded = await post('/v2/models/test/simple/infer', {
          body: pack(sent.body),
          headers: { ...sent.headers, 'content-encoding': coding },
        });
        assert.deepEqual(floats(coded), [...values], coding);
        const many = { name: 'x', shape: [1_000], datatype: 'FP32' };
        const large = await post('/v2/models/test/vector/infer', {
          body: JSON.stringify({ inputs: [{ ...many, data: new Array(1_000).fill(0.5) }] }),
          headers: { 'accept-encoding': coding },
        });
        assert.equal(large.headers['content-encoding'], coding);
        assert.equal(JSON.parse(unpack(large.bytes).toString()).outputs[0].data.length, 1_000);
      }
    });

    test('each output in the form that it is wanted in', watchdog, async () => {
      const inputs = ['a', 'b'].map((name, i) => ({
        ...{ name, shape: [2], datatype: 'FP32' },
        data: [i + 1, i + 2],
      }));
      const outputs = [{ name: 'product', parameters: { binary_data: true } }, { name: 'sum' }];
      const reply = await infer('test/pair', { inputs, outputs });
      assert.deepEqual(
        reply.json.outputs.map((one: { name: string }) => one.name),
        ['product', 'sum'],
      );
      assert.deepEqual(floats(reply), [2, 6]);
      assert.deepEqual(reply.json.outputs[1].data, [3, 5]);
      const plain = await infer('test/pair', { inputs });
      assert.equal(plain.headers['inference-header-content-length'], undefined);
      assert.deepEqual(plain.json.outputs.length, 2);
    });

    test('a body that is the one input itself', watchdog, async () => {
      const headers = { 'inference-header-content-length': 0 };
      const body = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
      const reply = await post('/v2/models/test/vector/infer', { body, headers });
      assert.deepEqual(reply.json.outputs[0].shape, [3]);
      assert.deepEqual(floats(reply), [1, 2, 3]);
      const text = await post('/v2/models/test/texts/infer', { body: Buffer.from('ä'), headers });
      assert.deepEqual([...text.binary], [2, 0, 0, 0, 0xc3, 0xa4]);
      const pair = await post('/v2/models/test/pair/infer', { body, headers });
      assert.equal(pair.status, 400);
      const odd = await post('/v2/models/test/vector/infer', { body: body.subarray(1), headers });
      assert.match(odd.json.error, /11 bytes/);
    });

    test('integers beyond 2^53, texts, NaN and −0 go there and back', watchdog, async () => {
      const wide = await infer('test/wide', {
        inputs: [{ name: 'x', shape: [2], datatype: 'INT64', data: ['9007199254740993', -1] }],
      });
      assert.match(String(wide.bytes), /"data":\[9007199254740993,-1\]/);
      const vector = await infer('test/vector', {
        inputs: [{ name: 'x', shape: [3], datatype: 'FP32', data: ['NaN', -0, '-Infinity'] }],
      });
      // JSON.stringify above has sent 0 for −0.
      assert.match(String(vector.bytes), /"data":\["NaN",0,"-Infinity"\]/);
      const minus = await post('/v2/models/test/vector/infer', {
        body: '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[-0]}]}',
      });
      assert.match(String(minus.bytes), /"data":\[-0\]/);
      const texts = ['', 'ä€𝄞', '"\n'];
      const list = await infer('test/texts', {
        inputs: [{ name: 'x', shape: [3], datatype: 'BYTES', data: texts }],
      });
      assert.deepEqual(list.json.outputs[0].data, texts);
    });

    test('half floats are bytes, never JSON', watchdog, async () => {
      const input = { name: 'x', shape: [2], datatype: 'FP16' };
      const halves = Uint16Array.of(0x3c00, 0xc000);
      const facts = { ...input, parameters: { binary_data_size: 4 } };
      const asked = { inputs: [facts], parameters: { binary_data_output: true } };
      const reply = await post('/v2/models/test/half/infer', withBinary(asked, halves));
      assert.deepEqual([...new Uint16Array(new Uint8Array(reply.binary).buffer)], [...halves]);
      const list = await infer('test/half', { inputs: [{ ...input, data: [1, 2] }] });
      assert.equal(list.status, 400);
      assert.match(list.json.error, /FP16 has no JSON form/);
      const json = await post(
        '/v2/models/test/half/infer',
        withBinary({ inputs: [facts] }, halves),
      );
      assert.equal(json.status, 400);
      assert.match(json.json.error, /ask for it as binary_data/);
    });

    test('success is 200, also without a body, a length and a type', watchdog, async () => {
      for (const [path, body] of [
        ['/v2/repository/index', undefined],
        ['/v2/repository/models/test/simple/unload', undefined],
        ['/v2/repository/models/test/simple/load', '{}'],
        ['/v2/repository/models/test/simple/unload', '{"parameters":{"unload_dependents":false}}'],
        [
          '/v2/repository/models/test/simple/load',
          '{"parameters":{"config":"{\\"name\\":\\"test/simple\\"}"}}',
        ],
        ['/v2/systemsharedmemory/unregister', undefined],
        ['/v2/cudasharedmemory/unregister', undefined],
        ['/v2/cudasharedmemory/region/cu/unregister', undefined],
      ] as const) {
        const reply = await post(path, body === undefined ? {} : { body });
        assert.equal(reply.status, 200, `${path}: ${reply.bytes}`);
      }
      for (const path of [
        '/v2/health/live',
        '/v2/health/ready',
        '/v2/models/test/simple/ready',
        '/v2/models/test%2Fsimple/versions/1/ready',
      ]) {
        const reply = await get(path);
        assert.deepEqual([reply.status, reply.bytes.length], [200, 0], path);
      }
      for (const kind of ['system', 'cuda']) {
        assert.deepEqual((await get(`/v2/${kind}sharedmemory/status`)).json, []);
      }
    });

    test('metadata, configuration and statistics have what clients read', watchdog, async () => {
      const server = (await get('/v2')).json;
      assert.equal(server.name, 'mlos');
      assert.ok(server.extensions.includes('binary_tensor_data'));
      assert.deepEqual((await get('/v2/models/test/simple')).json, {
        name: 'test/simple',
        versions: ['1'],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [2, 4] }],
        outputs: [{ name: 'OUTPUT0', datatype: 'FP32', shape: [2, 4] }],
      });
      const fixed = (await get('/v2/models/test/simple/config')).json;
      assert.deepEqual([fixed.max_batch_size, fixed.input[0].dims], [0, [2, 4]]);
      assert.equal(fixed.dynamic_batching, undefined);
      const free = (await get('/v2/models/test/linear/versions/1/config')).json;
      assert.ok(free.max_batch_size > 0);
      assert.deepEqual([free.input[0].dims, free.output[0].dims], [[4], [6]]);
      assert.equal(free.input[0].data_type, 'TYPE_FP32');
      assert.equal(free.model_transaction_policy.decoupled, false);
      const [stats] = (await get('/v2/models/test/pair/stats')).json.model_stats;
      assert.ok(/^\d+$/.test(stats.version), 'clients read the version with stoll');
      for (const phase of [
        'success',
        'fail',
        'queue',
        'compute_input',
        'compute_infer',
        'compute_output',
        'cache_hit',
        'cache_miss',
      ]) {
        const { count, ns } = stats.inference_stats[phase];
        assert.ok(Number.isSafeInteger(count) && Number.isSafeInteger(ns), phase);
      }
      const index = (await post('/v2/repository/index', { body: '{"ready":true}' })).json;
      assert.ok(index.every((one: { state: string }) => one.state === 'READY'));
    });

    test('classes, with the labels of the package', watchdog, async () => {
      await place.file(
        'config.json',
        '{"id2label":{"0":"a","1":"b","2":"c","3":"d","4":"e","5":"f"}}',
      );
      const inputs = [
        { name: 'x', shape: [2, 4], datatype: 'FP32', data: [1, 0, 0, 0, 0, 1, 0, 0] },
      ];
      const outputs = [{ name: 'y', parameters: { classification: 2 } }];
      const reply = await infer('test/linear', { inputs, outputs });
      const [output] = reply.json.outputs;
      assert.deepEqual([output.datatype, output.shape], ['BYTES', [2, 2]]);
      // Row 0 of the weight is (−3 … 2) / 8; row 1 is (3, −3, −2, −1, 0, 1) / 8.
      assert.deepEqual(output.data, [
        '0.250000:5:f',
        '0.125000:4:e',
        '0.375000:0:a',
        '0.125000:5:f',
      ]);
      const none = await infer('test/linear', {
        inputs,
        outputs: [{ name: 'y', parameters: { classification: 0 } }],
      });
      assert.equal(none.status, 400);
    });

    test('versions are integers', watchdog, async () => {
      const path = await place.file('two.onnx', identityModel('float32', ['n'], { output: 'two' }));
      const second = { model_id: 'test/vector@2', path };
      assert.equal((await daemon.http.post('/models/register', second)).status, 200);
      const inputs = [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }];
      const names = async (where: string) => {
        const { json } = await infer(where, { inputs });
        return [json.model_version, json.outputs[0].name];
      };
      assert.deepEqual(await names('test/vector'), ['2', 'two']);
      assert.deepEqual(await names('test/vector/versions/1'), ['1', 'y']);
      assert.deepEqual(await names('test/vector@1'), ['1', 'y']);
      assert.deepEqual((await get('/v2/models/test/vector')).json.versions, ['1', '2']);
      for (const [version, status] of [
        ['latest', 400],
        ['0', 400],
        ['3', 404],
      ] as const) {
        const reply = await infer(`test/vector/versions/${version}`, { inputs });
        assert.equal(reply.status, status, version);
        assert.equal(typeof reply.json.error, 'string');
      }
      await daemon.http.send('DELETE', '/models/test%2Fvector%402');
    });

    test(
      'sequences: interleaved ones never mix, and a model without a state takes them',
      watchdog,
      async () => {
        await registerSum(place, daemon, 'sum');
        const add = async (value: number, parameters: unknown) => {
          const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [value, value] }];
          const reply = await infer('seq/sum', { inputs, parameters });
          assert.equal(reply.status, 200, String(reply.bytes));
          return reply.json.outputs[0].data[0];
        };
        for (let i = 1; i <= 5; i++) {
          const [a, b] = await Promise.all([
            add(1, { sequence_id: 7, sequence_start: i === 1 }),
            add(10, { sequence_id: 'b', sequence_start: i === 1, sequence_end: i === 5 }),
          ]);
          assert.deepEqual([a, b], [i, 10 * i]);
        }
        const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 1] }];
        const ended = await infer('seq/sum', { inputs, parameters: { sequence_id: 'b' } });
        assert.equal(ended.status, 400);
        const config = (await get('/v2/models/seq/sum/config')).json;
        assert.equal(config.sequence_batching.state[0].input_name, 'total');
        const vector = [{ name: 'x', shape: [1], datatype: 'FP32', data: [4] }];
        const captured = {
          ...{ sequence_id: 7, sequence_start: true, sequence_end: false },
          ...{ priority: 1, timeout: 10_000_000, k: 1 },
        };
        const plain = await infer('test/vector', { inputs: vector, parameters: captured });
        assert.deepEqual(plain.json.outputs[0].data, [4]);
        for (const parameters of [
          { sequence_id: -1 },
          { sequence_id: 1.5 },
          { sequence_id: true },
          { sequence_start: true },
          { sequence_id: 1, sequence_start: 1 },
        ]) {
          const reply = await infer('test/vector', { inputs: vector, parameters });
          assert.equal(reply.status, 400, JSON.stringify(parameters));
        }
      },
    );

    test('every mistake is named', watchdog, async () => {
      const x = { name: 'x', shape: [1], datatype: 'FP32', data: [1] };
      const cases: readonly (readonly [unknown, RegExp, number?])[] = [
        [[], /must be a JSON object/],
        [{}, /"inputs" must be a list/],
        [{ inputs: [1] }, /inputs\[0\] must be an object/],
        [{ inputs: [{ ...x, name: '' }] }, /has no "name"/],
        [{ inputs: [{ ...x, shape: undefined }] }, /has no "shape"/],
        [{ inputs: [{ ...x, shape: [-1] }] }, /non-negative/],
        [{ inputs: [{ ...x, shape: [2] }] }, /needs 8 bytes/],
        [{ inputs: [{ ...x, datatype: 'FLOAT' }] }, /FLOAT.*is none of BOOL/],
        [{ inputs: [{ ...x, datatype: 'INT32' }] }, /expected float32/],
        [{ inputs: [{ ...x, data: ['a'] }] }, /no float32/],
        [{ inputs: [{ ...x, data: undefined }] }, /has no data/],
        [{ inputs: [x, x] }, /given twice/],
        [{ inputs: [{ ...x, name: 'z' }] }, /no input "z"/],
        [{ inputs: [] }, /needs input "x"/],
        [{ inputs: [x], outputs: [{ name: 'z' }] }, /no output "z"/],
        [{ inputs: [x], outputs: [{ name: 'y' }, { name: 'y' }] }, /given twice/],
        [{ inputs: [x], parameters: { triton_new: 1 } }, /reserved/],
        [{ inputs: [x], parameters: { timeout: -1 } }, /timeout/],
        [{ inputs: [x], parameters: { priority: 'a' } }, /priority/],
        [{ inputs: [x], parameters: { binary_data_output: 1 } }, /binary_data_output/],
        [{ inputs: [{ ...x, parameters: { binary_data_size: 4 } }] }, /"data" and a binary/],
        [
          { inputs: [{ ...x, data: undefined, parameters: { binary_data_size: 4 } }] },
          /0 bytes are left/,
        ],
        [
          {
            inputs: [
              {
                ...x,
                data: undefined,
                parameters: { shared_memory_region: 'in', shared_memory_byte_size: 4 },
              },
            ],
          },
          /switched off/,
          501,
        ],
      ];
      for (const [json, message, status = 400] of cases) {
        const reply = await infer('test/vector', json);
        assert.equal(reply.status, status, `${JSON.stringify(json)}: ${reply.bytes}`);
        assert.match(reply.json.error, message);
      }
      const { body } = withBinary({ inputs: [x] }, Float32Array.of(1));
      for (const length of ['-1', 'x', '1e3', String(body.length + 1)]) {
        const headers = { 'inference-header-content-length': length };
        const reply = await post('/v2/models/test/vector/infer', { body, headers });
        assert.equal(reply.status, 400, length);
        assert.match(reply.json.error, /Inference-Header-Content-Length/);
      }
      const extra = await post('/v2/models/test/vector/infer', {
        ...withBinary({ inputs: [x] }, Float32Array.of(1)),
      });
      assert.match(extra.json.error, /4 bytes at the end/);
    });

    test(
      'traces lie in the folder of the daemon, whole and as many as were wanted',
      watchdog,
      async () => {
        const inputs = [{ name: 'x', shape: [2], datatype: 'FP32', data: [1, 2] }];
        const set = (path: string, body: unknown) => post(path, { body: JSON.stringify(body) });
        const defaults = (await get('/v2/trace/setting')).json;
        assert.deepEqual(defaults.trace_level, ['OFF']);
        for (const file of ['../x', '/tmp/x', 'a/b', '.hidden', '']) {
          const refused = await set('/v2/trace/setting', { trace_file: file });
          assert.equal(refused.status, 400, file);
          assert.match(refused.json.error, /plain name/);
        }
        assert.equal((await set('/v2/trace/setting', { trace_level: ['ALL'] })).status, 400);
        assert.equal((await set('/v2/models/test/none/trace/setting', {})).status, 404);
        const changed = await set('/v2/models/test/vector/trace/setting', {
          trace_file: 'some.json',
          trace_level: ['TIMESTAMPS', 'TENSORS'],
          trace_rate: '2',
          trace_count: '2',
        });
        assert.equal(changed.status, 200, String(changed.bytes));
        assert.deepEqual(changed.json.trace_level, ['TIMESTAMPS', 'TENSORS']);
        for (let i = 0; i < 7; i++) await infer('test/vector', { id: String(i), inputs });
        await infer('test/pair', {
          inputs: ['a', 'b'].map((name) => ({ ...inputs[0], name })),
        });
        const settings = (await get('/v2/models/test/vector/trace/setting')).json;
        assert.equal(settings.trace_count, '0');
        const path = join(daemon.dataFolder, 'traces', 'some.json');
        type Entry = Readonly<Record<string, unknown>>;
        const read = () => JSON.parse(readFileSync(path, 'utf8')) as Entry[];
        assert.ok(await becomes(() => existsSync(path) && read().length >= 8, 10_000));
        const entries = read();
        assert.deepEqual(
          entries.filter((one) => 'model_name' in one).map((one) => one['request_id']),
          ['0', '2'],
        );
        const all = entries.flatMap((one) => (one['timestamps'] ?? []) as { ns: number }[]);
        const first = all.slice(0, 5).map(({ ns }) => ns);
        assert.deepEqual(
          first,
          [...first].sort((a, b) => a - b),
        );
        const tensors = entries.flatMap((one) => (one['tensor'] ?? []) as { data: string }[]);
        assert.deepEqual(
          tensors.map(({ data }) => data),
          ['1,2', '1,2', '1,2', '1,2'],
        );
        const cleared = await set('/v2/models/test/vector/trace/setting', {
          trace_level: null,
          trace_count: null,
        });
        assert.deepEqual(cleared.json.trace_level, ['OFF']);
      },
    );

    test('log settings change the daemon, and name what they cannot', watchdog, async () => {
      const set = (body: unknown) => post('/v2/logging', { body: JSON.stringify(body) });
      const before = (await get('/v2/logging')).json;
      assert.deepEqual(before, {
        log_file: '',
        log_info: true,
        log_warning: true,
        log_error: true,
        log_verbose_level: 0,
        log_format: 'ISO8601',
      });
      const quiet = (await set({ log_info: false })).json;
      assert.deepEqual([quiet.log_info, quiet.log_warning], [false, true]);
      assert.equal((await daemon.http.get('/logging')).body.level, 'warn');
      const verbose = (await set({ log_verbose_level: 1 })).json;
      assert.deepEqual([verbose.log_info, verbose.log_verbose_level], [true, 1]);
      assert.deepEqual((await set({ log_verbose_level: 0 })).json, before);
      for (const body of [
        { log_file: '/etc/passwd' },
        { log_info: 'yes' },
        { log_verbose_level: -1 },
        { log_format: 'default' },
        { nonsense: 1 },
      ]) {
        assert.equal((await set(body)).status, 400, JSON.stringify(body));
      }
      assert.deepEqual((await get('/v2/logging')).json, before);
    });

    test('paths, verbs and what is not here', watchdog, async () => {
      assert.equal((await get('/v2/nowhere')).status, 404);
      assert.equal((await get('/v2/models/test/none')).status, 404);
      const verb = await get('/v2/models/test/vector/infer');
      assert.deepEqual([verb.status, verb.headers['allow']], [405, 'POST, OPTIONS']);
      for (const path of ['generate', 'generate_stream']) {
        const reply = await post(`/v2/models/test/vector/${path}`, { body: '{"text_input":"a"}' });
        assert.equal(reply.status, 501);
        assert.match(reply.json.error, /generates no text/);
      }
      const cuda = await post('/v2/cudasharedmemory/region/cu/register', {
        body: '{"raw_handle":{"b64":"AAAA"},"device_id":0,"byte_size":8}',
      });
      assert.equal(cuda.status, 501);
      const system = await post('/v2/systemsharedmemory/region/in/register', {
        body: '{"key":"/mlos_in","offset":0,"byte_size":32}',
      });
      assert.equal(system.status, 501);
      const files = await post('/v2/repository/models/test/vector/load', {
        body: JSON.stringify({ parameters: { 'file:1/model.onnx': 'YWJj' } }),
      });
      assert.match(files.json.error, /axon/);
    });
  });
}
