import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { becomes } from '../daemon/processes.ts';
import { identityModel } from '../onnx-models.ts';
import { overEachAdapter } from './over-http.ts';

// Guards: what the Open Inference Protocol says of servers and models over HTTP, and changes of them.

const watchdog = { timeout: 60_000 };

overEachAdapter('service of the open protocol over HTTP', (oip) => {
  const { get, post, infer } = oip;

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

  test('statistics count what came through this door, and when', watchdog, async () => {
    const read = async () => (await get('/v2/models/test/vector/stats')).json.model_stats[0];
    const before = await read();
    const asked = Date.now();
    const inputs = [{ name: 'x', shape: [2], datatype: 'FP32', data: [1, 2] }];
    for (let i = 0; i < 3; i += 1)
      assert.equal((await infer('test/vector', { inputs })).status, 200);
    // An engine counts an answer when it has sent it.
    const isCounted = ({ inference_stats: { success } }: typeof before) =>
      success.count === before.inference_stats.success.count + 3;
    let after = await read();
    while (!isCounted(after)) after = await read();
    assert.ok(after.last_inference >= asked && after.last_inference <= Date.now());
    for (const phase of ['success', 'compute_input', 'compute_infer', 'compute_output']) {
      const [old, now] = [before.inference_stats[phase], after.inference_stats[phase]];
      assert.equal(now.count - old.count, 3, phase);
      assert.ok(now.ns > old.ns, phase);
    }
    const refused = await infer('test/vector', { inputs: [{ ...inputs[0], data: [1] }] });
    assert.equal(refused.status, 400);
    assert.equal((await read()).last_inference, after.last_inference, 'a refused one is none');
    assert.deepEqual(after.batch_stats, [], 'nothing measures them');
  });

  test('classes, with the labels of the package', watchdog, async () => {
    await oip.place.file(
      'config.json',
      '{"id2label":{"0":"a","1":"b","2":"c","3":"d","4":"e","5":"f"}}',
    );
    const inputs = [{ name: 'x', shape: [2, 4], datatype: 'FP32', data: [1, 0, 0, 0, 0, 1, 0, 0] }];
    const outputs = [{ name: 'y', parameters: { classification: 2 } }];
    const reply = await infer('test/linear', { inputs, outputs });
    const [output] = reply.json.outputs;
    assert.deepEqual([output.datatype, output.shape], ['BYTES', [2, 2]]);
    // Row 0 of the weight is (−3 … 2) / 8; row 1 is (3, −3, −2, −1, 0, 1) / 8.
    assert.deepEqual(output.data, ['0.250000:5:f', '0.125000:4:e', '0.375000:0:a', '0.125000:5:f']);
    const none = await infer('test/linear', {
      inputs,
      outputs: [{ name: 'y', parameters: { classification: 0 } }],
    });
    assert.equal(none.status, 400);
  });

  test('versions are integers', watchdog, async () => {
    const path = await oip.place.file(
      'two.onnx',
      identityModel('float32', ['n'], { output: 'two' }),
    );
    const second = { model_id: 'test/vector@2', path };
    assert.equal((await oip.daemon.http.post('/models/register', second)).status, 200);
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
    await oip.daemon.http.send('DELETE', '/models/test%2Fvector%402');
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
      const path = join(oip.daemon.dataFolder, 'traces', 'some.json');
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
    assert.equal((await oip.daemon.http.get('/logging')).body.level, 'warn');
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
      assert.match(reply.json.error, /cannot do the task "text-generation"/);
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
