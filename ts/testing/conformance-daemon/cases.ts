import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ErrorCode } from '../../protocol/error-codes.ts';
import type { ConformanceCase } from '../conformance/case.ts';
import { type Answer, done, gives, modelIs, type Params, refused } from './case-builders.ts';

/*
 * What a full daemon must answer, in order: cases may rely on those before them. Every door gets all
 * of them, on a daemon where nothing is registered; at the end nothing is registered again.
 */
export function serviceCases(): ConformanceCase[] {
  return [
    done('health', 'health.get', {}, (r) => assert.equal(r['status'], 'healthy')),
    done('live', 'health.live', {}, (r) => assert.deepEqual(r, { live: true })),
    done('ready', 'health.ready', {}, (r) => assert.deepEqual(r, { ready: true, reasons: [] })),
    done('stats', 'stats.get', {}, (r) => {
      assert.ok((r['total_requests'] as number) >= 3);
      assert.ok((r['open_descriptors'] as number) > 0);
      assert.equal(r['models_registered'], 0);
    }),
    refused('health with a parameter', 'health.get', { verbose: 'yes' }, 'INVALID_ARGUMENT'),
    refused('revoke no channel', 'channels.revoke', { channel_id: 7 }, 'INVALID_ARGUMENT'),
    done('no models', 'models.list', {}, (r) => assert.equal(r['total'], 0)),
  ];
}

/** Options of the engine that are wrong in themselves, or here. */
const badEngineOptions: readonly unknown[] = [
  'high',
  { priority: 'urgent' },
  { priorty: 'high' },
  { instances: 0 },
  { instances: 17 },
  { instances: '2' },
  { max_batch: 0 },
  { batching: 'fixed' },
  { batching: true },
  { max_queue: 0 },
  { max_delay_us: -1 },
  { intra_op_threads: 1.5 },
  { cpus: '0-1' },
  { cpus: [4_096] },
  { cpus: [4_095] },
  { cpus: [-1] },
];

export function registrationCases(folder: string): ConformanceCase[] {
  const register = (model_id: string, path: string, rest: Params = {}) => ({
    model_id,
    path: join(folder, path),
    ...rest,
  });
  const bad = (name: string, params: Params, code: ErrorCode) =>
    refused(`register ${name}`, 'models.register', params, code);
  const invalidIds = [
    'vector',
    '/vector',
    'a//b',
    '../b',
    'a/../b',
    'a/b@',
    'a/.b',
    'a/b c',
    'a/ä',
  ];
  return [
    done('register', 'models.register', register('c/vector', 'vector.onnx'), (r) => {
      assert.equal(r['model_id'], 'c/vector@latest');
      assert.equal(r['inference_endpoint'], '/models/c-vector@latest/inference');
      modelIs({ status: 'ready', reason: null, plugin_id: 'onnx@1.0.0' })(r);
    }),
    done('register again', 'models.register', register('c/vector@latest', 'vector.onnx')),
    done(
      'register under the earlier name of path',
      'models.register',
      { model_id: 'c/earlier@1', model_path: join(folder, 'vector.onnx'), load: false },
      modelIs({ status: 'unloaded', signature: null }),
    ),
    done('register a folder', 'models.register', register('c/folder@1', 'one'), (r) =>
      modelIs({ file: 'model.onnx', status: 'ready' })(r),
    ),
    done(
      'register a file whose name says nothing',
      'models.register',
      register('c/nameless@1', 'nameless', { execution_format: 'onnx' }),
    ),
    bad('without a path', { model_id: 'c/x' }, 'INVALID_ARGUMENT'),
    bad('with two paths', { ...register('c/x', 'one'), model_path: '/x' }, 'INVALID_ARGUMENT'),
    bad('without an id', { path: join(folder, 'vector.onnx') }, 'INVALID_ARGUMENT'),
    bad('what is not there', register('c/x', 'nothing.onnx'), 'INVALID_ARGUMENT'),
    bad('a relative path', { model_id: 'c/x', path: 'vector.onnx' }, 'INVALID_ARGUMENT'),
    bad('a path with NUL', { model_id: 'c/x', path: '/tmp/a\0b.onnx' }, 'INVALID_ARGUMENT'),
    bad('an empty folder', register('c/x', 'empty'), 'INVALID_ARGUMENT'),
    bad('a folder of several models', register('c/x', 'several'), 'INVALID_ARGUMENT'),
    bad('a file of unknown format', register('c/x', 'nameless'), 'INVALID_ARGUMENT'),
    bad('a format nobody runs', register('c/x', 'other.tflite'), 'NO_PLUGIN_FOR_FORMAT'),
    bad(
      'a misspelt format',
      register('c/x', 'vector.onnx', { execution_format: 'onxx' }),
      'NO_PLUGIN_FOR_FORMAT',
    ),
    bad('an unknown plugin', register('c/x', 'one', { plugin_id: 'onxn' }), 'PLUGIN_NOT_FOUND'),
    bad('a missing manifest', register('c/x', 'one', { manifest_path: '/no' }), 'INVALID_MANIFEST'),
    bad('with a misspelt key', register('c/x', 'one', { isolatoin: 'model' }), 'INVALID_ARGUMENT'),
    bad('with a wrong isolation', register('c/x', 'one', { isolation: 'vm' }), 'INVALID_ARGUMENT'),
    ...badEngineOptions.map((engine) =>
      bad(`with ${JSON.stringify(engine)}`, register('c/x', 'one', { engine }), 'INVALID_ARGUMENT'),
    ),
    done(
      'register with options of the engine',
      'models.register',
      register('c/engine@1', 'one', {
        load: false,
        engine: { priority: 'high', batching: 'fixed', max_batch: 8, max_queue: 64, cpus: [0, 0] },
      }),
      modelIs({
        engine: { priority: 'high', batching: 'fixed', max_batch: 8, max_queue: 64, cpus: [0] },
        runner: null,
        measures: [],
      }),
    ),
    done('unregister it', 'models.unregister', { model_id: 'c/engine@1' }),
    bad('with load as text', register('c/x', 'one', { load: 'no' }), 'INVALID_ARGUMENT'),
    bad('an id too long', register(`c/${'x'.repeat(300)}`, 'one'), 'INVALID_ARGUMENT'),
    ...invalidIds.map((id) => bad(`the id ${id}`, register(id, 'one'), 'INVALID_MODEL_ID')),
    bad('what is no model', register('c/broken@1', 'broken.onnx'), 'MODEL_LOAD_FAILED'),
    done('the failed model says why', 'models.get', { model_id: 'c/broken@1' }, (r) => {
      modelIs({ status: 'failed', signature: null })(r);
      assert.match((r['model'] as { reason: string }).reason, /broken\.onnx/);
    }),
    refused(
      'inference of a failed model',
      'models.infer',
      { model_id: 'c/broken@1', inputs: { x: [1] } },
      'MODEL_LOAD_FAILED',
    ),
    refused(
      'load of a failed model',
      'models.load',
      { model_id: 'c/broken@1' },
      'MODEL_LOAD_FAILED',
    ),
    done('the list', 'models.list', {}, (r) => {
      const ids = (r['models'] as { id: string }[]).map(({ id }) => id);
      assert.deepEqual(ids, [
        'c/broken@1',
        'c/earlier@1',
        'c/folder@1',
        'c/nameless@1',
        'c/vector@latest',
      ]);
    }),
    ...['c/vector@latest', 'c-vector@latest', 'c/vector', 'c-vector'].map((model_id) =>
      done(`get ${model_id}`, 'models.get', { model_id }, modelIs({ id: 'c/vector@latest' })),
    ),
    refused('get with another case', 'models.get', { model_id: 'C/vector' }, 'MODEL_NOT_FOUND'),
    refused('get another version', 'models.get', { model_id: 'c/vector@2' }, 'MODEL_NOT_FOUND'),
    done(
      'register the same dashes',
      'models.register',
      register('c/a/b@1', 'one', { load: false }),
    ),
    done('register them again', 'models.register', register('c/a-b@1', 'one', { load: false })),
    refused('dashes that fit two', 'models.get', { model_id: 'c-a-b@1' }, 'INVALID_MODEL_ID'),
  ];
}

export function lifecycleCases(folder: string): ConformanceCase[] {
  const id = { model_id: 'c/vector' };
  const onnx = { plugin_id: 'onnx' };
  const infer = { ...id, inputs: { x: [1] } };
  const missing = { model_id: 'c/vectr@latest' };
  const pluginIs = (status: string) => (r: Answer) =>
    assert.equal((r['plugin'] as Answer)['status'], status);
  return [
    done('unload', 'models.unload', id, modelIs({ status: 'unloaded' })),
    done('unload again', 'models.unload', id, modelIs({ status: 'unloaded' })),
    done('inference loads it', 'models.infer', infer, gives({ y: [1] })),
    done('it is ready', 'models.get', id, modelIs({ status: 'ready' })),
    done('load what is loaded', 'models.load', id, modelIs({ status: 'ready' })),
    ...['models.load', 'models.unload', 'models.unregister', 'models.get'].map((method) =>
      refused(`${method} of an unknown model`, method, missing, 'MODEL_NOT_FOUND'),
    ),
    done('plugins', 'plugins.list', {}, (r) => assert.ok((r['total'] as number) >= 1)),
    done('a plugin by name', 'plugins.get', onnx, pluginIs('ready')),
    done('a plugin by id', 'plugins.get', { plugin_id: 'onnx@1.0.0' }),
    refused('an unknown plugin', 'plugins.get', { plugin_id: 'onxn' }, 'PLUGIN_NOT_FOUND'),
    refused('an unknown version', 'plugins.get', { plugin_id: 'onnx@9' }, 'PLUGIN_NOT_FOUND'),
    refused('a plugin id that is none', 'plugins.load', { plugin_id: '../x' }, 'INVALID_ARGUMENT'),
    done('plugin load', 'plugins.load', onnx, pluginIs('ready')),
    done('plugin unload', 'plugins.unload', onnx, pluginIs('stopped')),
    done('its models are unloaded', 'models.get', id, modelIs({ status: 'unloaded' })),
    done('inference starts it', 'models.infer', infer, gives({ y: [1] })),
    refused('unregister with models', 'plugins.unregister', onnx, 'FAILED_PRECONDITION'),
    refused('register no plugin', 'plugins.register', {}, 'INVALID_ARGUMENT'),
    refused('a relative plugin', 'plugins.register', { path: 'fake' }, 'INVALID_ARGUMENT'),
    refused(
      'no plugin.yaml',
      'plugins.register',
      { path: join(folder, 'one') },
      'INVALID_ARGUMENT',
    ),
    refused(
      'a plugin of another name',
      'plugins.register',
      { path: join(folder, 'fake'), name: 'other' },
      'INVALID_ARGUMENT',
    ),
    done('register a plugin', 'plugins.register', { path: join(folder, 'fake') }, (r) =>
      assert.equal(r['plugin_id'], 'fake@1.0.0'),
    ),
    done('register it again', 'plugins.register', { endpoint: `file://${folder}/fake` }),
    done('unregister the plugin', 'plugins.unregister', { plugin_id: 'fake' }),
    refused('and again', 'plugins.unregister', { plugin_id: 'fake' }, 'PLUGIN_NOT_FOUND'),
  ];
}
