import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { productVersion } from '../../protocol/version.ts';
import { registerModel } from '../daemon/models.ts';
import { type CommandResult, runMlos } from '../daemon/run-mlos.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { makeFakePlugin } from '../fake-plugin/make.ts';
import { bertLikeModel } from '../onnx-models.ts';

/*
 * Guards: what people and scripts type. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 nothing runs.
 */
const watchdog = { timeout: 90_000 };

function json(result: CommandResult) {
  assert.equal(result.code, 0, result.stderr);
  assert.equal(result.stderr, '');
  return JSON.parse(result.stdout);
}

test('without a daemon', watchdog, async (t) => {
  const place = await openPlace(t);
  const mlos = (...args: string[]) => runMlos(place.folder, args);
  const data = ['--data-dir', join(place.folder, 'data')];
  const [version, help, typo, status, statusJson, stop, list, top, devices] = await Promise.all([
    mlos('--version'),
    mlos('--help'),
    mlos('staus'),
    mlos('status', ...data),
    mlos('status', '--json', ...data),
    mlos('stop', ...data),
    mlos('models', 'list', ...data),
    mlos('top', '--once', ...data),
    mlos('devices', '--json'),
  ]);
  assert.deepEqual([version.code, version.stdout.trim()], [0, productVersion]);
  assert.equal(help.code, 0);
  assert.equal(typo.code, 2);
  assert.match(typo.stderr, /Did you mean status/);
  assert.equal(status.code, 3);
  assert.match(status.stdout, /No daemon runs.*mlos serve/);
  assert.equal(statusJson.code, 3);
  assert.equal(JSON.parse(statusJson.stdout).running, false);
  for (const refused of [stop, list, top]) {
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /^mlos: No daemon runs/);
    assert.doesNotMatch(refused.stderr, /^\s+at /m);
  }
  const found = json(devices);
  assert.ok(found.memory.total_bytes > 0);
  assert.ok('cpu' in found && 'gpus' in found);
  assert.ok(!existsSync(join(place.folder, 'data')), 'asking makes no data folder');
});

test('settings and where they come from', watchdog, async (t) => {
  const place = await openPlace(t);
  const mlos = (args: string[], environment: Record<string, string> = {}) =>
    runMlos(place.folder, args, environment);
  await place.file(
    'mlos-core.yaml',
    'api:\n  http:\n    port: 1111\n    host: 127.0.0.2\ncore:\n  max_models: 7\n',
  );
  const environment = { MLOS_API_HTTP_PORT: '2222', MLOS_LOGGING_LEVEL: 'warn' };
  const { file, settings } = json(
    await mlos(['config', '--json', '--http-port', '3333'], environment),
  );
  assert.equal(file, join(place.folder, 'mlos-core.yaml'));
  const of = (name: string) => [settings[name].value, settings[name].source];
  assert.deepEqual(of('api.http.port'), [3333, 'flag']);
  assert.deepEqual(of('logging.level'), ['warn', 'environment']);
  assert.deepEqual(of('core.max_models'), [7, 'file']);
  assert.deepEqual(of('plugins.isolation'), ['plugin', 'default']);
  assert.deepEqual(of('core.data_dir'), [join(place.folder, '.mlos'), 'default']);

  await place.file('bad.yaml', 'api:\n  http:\n    prot: 1\n');
  await place.file('worse.yaml', 'api: [\n');
  const refusals: [string[], RegExp][] = [
    [['config', '--set', 'api.http.prot=1'], /unknown setting "api\.http\.prot".*api\.http\.port/],
    [['serve', '--set', 'api.http.prot=1'], /unknown setting "api\.http\.prot".*api\.http\.port/],
    [['config', '--config', 'bad.yaml'], /bad\.yaml: unknown setting "api\.http\.prot"/],
    [['config', '--config', 'worse.yaml'], /worse\.yaml/],
    [['config', '--config', 'none.yaml'], /none\.yaml does not exist/],
    [['config', '--http-port', '70000'], /api\.http\.port is "70000", but must be an integer/],
    [['config', '--set', 'api.http.port'], /expected key=value/],
    [['serve', '--set', 'api.ipc.mode=999'], /three octal digits/],
    [['config', '--set', 'logging.level=loud'], /must be one of trace/],
  ];
  await Promise.all(
    refusals.map(async ([args, message]) => {
      const { code, stderr } = await mlos(args);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^\s+at /m, stderr);
    }),
  );
  assert.equal((await mlos(['config', '--nonsense'])).code, 2);
});

test('with a daemon', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  await registerModel(place, daemon, { id: 'hf/tiny-bert@latest', model: bertLikeModel() });
  const data = ['--data-dir', daemon.dataFolder];
  const mlos = (...args: string[]) => runMlos(place.folder, [...args, ...data]);
  const plugin = await makeFakePlugin(join(place.folder, 'fake'));

  const [status, statusJson, show, showJson, list, unknown, registered] = await Promise.all([
    mlos('status'),
    mlos('status', '--json'),
    mlos('models', 'show', 'hf-tiny-bert'),
    mlos('models', 'show', 'hf/tiny-bert', '--json'),
    mlos('models', '--json'),
    mlos('models', 'show', 'hf/tiny-brt'),
    mlos('plugins', 'register', plugin, '--json'),
  ]);
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, new RegExp(`pid ${daemon.pid}`));
  assert.match(status.stdout, /hf\/tiny-bert@latest/);
  const whole = json(statusJson);
  assert.deepEqual([whole.running, whole.pid, whole.models.total], [true, daemon.pid, 1]);
  assert.match(show.stdout, /"input_ids" {2}int64\[batch,sequence\]/);
  assert.equal(json(showJson).status, 'ready');
  assert.match(json(showJson).runner, /onnxruntime/);
  assert.match(show.stdout, /^runner {4}.*onnxruntime/m);
  assert.equal(json(list).length, 1);
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /hf\/tiny-bert/);
  json(registered);

  const file = await place.file('second.onnx', bertLikeModel());
  const engine = ['--engine', 'priority=high', '--engine', 'cpus=0', '--engine', 'max_queue=9'];
  const [second, wrongKey, wrongValue, wrongPair, top, topPlain, channels, noChannel, notOne] =
    await Promise.all([
      mlos('models', 'register', 'hf/second@1', file, '--no-load', '--json', ...engine),
      mlos('models', 'register', 'hf/x', file, '--engine', 'priorty=high'),
      mlos('models', 'register', 'hf/x', file, '--engine', 'instances=99'),
      mlos('models', 'register', 'hf/x', file, '--engine', 'high'),
      mlos('top', '--once', '--json'),
      mlos('top', '--once'),
      mlos('channels', '--json'),
      mlos('channels', 'revoke', '7'),
      mlos('channels', 'revoke', 'x'),
    ]);
  assert.deepEqual(json(second).engine, { priority: 'high', cpus: [0], max_queue: 9 });
  const refusals: [CommandResult, RegExp][] = [
    [wrongKey, /unknown option. Did you mean "?priority/],
    [wrongValue, /engine\.instances is 99/],
    [wrongPair, /expected key=value/],
    [noChannel, /7/],
    [notOne, /"x" is no channel/],
  ];
  for (const [refused, why] of refusals) {
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(refused.stderr, why);
  }
  const view = json(top);
  const onnx = whole.plugins.plugins.find(({ id }: { id: string }) => id === 'onnx@1.0.0');
  assert.deepEqual(
    view.processes.map((process: { pid: number }) => process.pid),
    onnx.processes.map((process: { pid: number }) => process.pid),
  );
  assert.ok(view.seconds > 0);
  assert.equal(topPlain.code, 0, topPlain.stderr);
  assert.match(topPlain.stdout, /^mlos top .*requests\/s/);
  assert.match(topPlain.stdout, /onnx@1\.0\.0/);
  assert.ok(!topPlain.stdout.includes('\u001b'), 'no terminal codes where there is no terminal');
  assert.deepEqual(json(channels), []);

  const [plugins, unloaded, gone] = await Promise.all([
    mlos('plugins', 'list', '--json'),
    mlos('models', 'unload', 'hf/tiny-bert', '--json'),
    mlos('plugins', 'unregister', 'fake'),
  ]);
  assert.ok(json(plugins).some((entry: { id: string }) => entry.id === 'onnx@1.0.0'));
  assert.equal(json(unloaded).status, 'unloaded');
  assert.equal(gone.code, 0, gone.stderr);

  const stopped = await mlos('stop');
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.ok(!existsSync(daemon.socketPath));
  assert.deepEqual(await daemon.exited, { code: 0, signal: null });
  assert.equal((await mlos('status')).code, 3);
});

test('a daemon without one of its doors', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start({ args: ['--no-ipc'] });
  const data = ['--data-dir', daemon.dataFolder];
  const status = json(await runMlos(place.folder, ['status', '--json', ...data]));
  assert.deepEqual([status.socket_path, status.health.apis], [null, ['http', 'grpc']]);
  await daemon.end();
  const quiet = await place.start({ args: ['--no-http', '--no-grpc'] });
  const { health } = json(await runMlos(place.folder, ['status', '--json', ...data]));
  assert.deepEqual([health.pid, health.apis], [quiet.pid, ['ipc']]);
});
