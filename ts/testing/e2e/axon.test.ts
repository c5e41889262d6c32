import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeHome } from '../axon/run-axon.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { identityModel } from '../onnx-models.ts';
import { writeTinyText } from '../tasks/tiny-text-model.ts';

/* Guards: axon's commands that speak to a daemon, against a real one. */
const watchdog = { timeout: 120_000 };

test('a model that has a task is registered with a command for that', watchdog, async (t) => {
  const place = await openPlace(t);
  const daemon = await place.start();
  const home = makeHome(t);
  const endpoint = `http://localhost:${daemon.httpPort}`;
  const axon = (...argv: string[]) => home.axonWith({ MLOS_CORE_ENDPOINT: endpoint }, ...argv);
  const folder = path.join(home.dir, 'embed');
  await writeTinyText(folder, { head: 'hidden', architecture: 'BertModel' });
  const installed = await axon('install', folder, '--as', 'my/embed@1');
  assert.equal(installed.status, 0, installed.stderr);
  const { status, stdout, stderr } = await axon('register', 'my/embed@1');
  assert.equal(status, 0, stderr);
  const command = /^ +(curl .*)$/m.exec(stdout)?.[1] ?? '';
  assert.match(command, /"input":"Hello, MLOS!"/);
  assert.ok(command.includes(`${endpoint}/models/my-embed@1/inference`), command);
  const answer = await promisify(execFile)('sh', ['-c', command]);
  assert.match(answer.stdout, /"embedding":\[/);
});

test(
  'run installs, registers and asks; several are registered at once; unregister',
  watchdog,
  async (t) => {
    const place = await openPlace(t);
    const daemon = await place.start();
    const home = makeHome(t);
    const env = { MLOS_CORE_ENDPOINT: `http://127.0.0.1:${daemon.httpPort}` };
    const axon = (...argv: string[]) => home.axonWith(env, ...argv);
    fs.writeFileSync(path.join(home.dir, 'net.onnx'), identityModel('float32', ['n']));
    fs.writeFileSync(path.join(home.dir, 'input.json'), '{"x": [1, 2.5]}');

    const ran = await axon('run', './net.onnx', 'input.json');
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stdout, /^y {2}float32\[2\] {2}1, 2\.5$/m);
    const json = await axon('run', 'local/net@latest', '--data', '{"x": [3]}', '--json');
    assert.deepEqual(json.json<{ outputs: unknown }>().outputs, { y: [3] });
    const asked = await axon('run', 'local/net@latest');
    assert.equal(asked.status, 2);
    assert.match(asked.stderr, /It takes x: float32\[n\]\. For instance: axon run .*--data/);
    assert.equal((await axon('run', 'local/net@latest', '--data', '[1]')).status, 2);
    assert.equal((await axon('run', 'local/net@latest', '--data', '{"z": [1]}')).status, 22);

    await axon('config', 'set', 'register.auto', 'true');
    const auto = await axon('install', './net.onnx', '--as', 'my/auto@1', '--json');
    assert.equal(auto.json<{ registration: { id: string } }>().registration.id, 'my/auto@1');
    const away = await home.axonWith(
      { MLOS_CORE_ENDPOINT: 'http://127.0.0.1:1' },
      ...['install', './net.onnx', '--as', 'my/away@1'],
    );
    assert.equal(away.status, 0, away.stderr);
    assert.match(away.stderr, /warning: my\/away@1 is installed, but was not registered/);

    const partial = await axon('register', 'my/auto@1', 'my/none@1', '--json');
    assert.equal(partial.status, 23, partial.stderr);
    const { details } = partial.json<{
      error: { details: { registered: { id: string }[]; failed: { id: string; code: string }[] } };
    }>().error;
    assert.deepEqual(
      [details.registered.map(({ id }) => id), details.failed.map(({ id, code }) => [id, code])],
      [['my/auto@1'], [['my/none@1', 'NOT_INSTALLED']]],
    );
    const all = await axon('register', '--all', '--json');
    assert.equal(all.json<{ registered: unknown[] }>().registered.length, 3, all.stderr);
    assert.equal((await axon('register')).status, 2);
    assert.equal((await axon('unregister', 'my/auto@1', 'my/away@1')).status, 0);
    assert.equal((await axon('unregister', 'my/auto@1')).status, 22);
    assert.equal((await daemon.http.get('/models')).body.total, 1);
  },
);
