import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeHome, runHere } from './run-axon.ts';

const commands = [
  ...['init', 'install', 'list', 'info', 'verify', 'register', 'uninstall', 'pack', 'version'],
  ...['config get', 'config set', 'config list', 'cache list', 'cache stats', 'cache clean'],
];

test('every command has help with an example, and --json', async () => {
  for (const command of commands) {
    const help = await runHere(...command.split(' '), '--help');
    assert.equal(help.status, 0, command);
    assert.match(help.stdout, /Examples?:\n {2}\$ axon /, command);
    assert.match(help.stdout, /--json/, command);
  }
});

test('mistakes on the command line end with 2 and one sentence', async () => {
  for (const argv of [
    [],
    ['instal', 'x'],
    ['install'],
    ['list', '--nope'],
    ['install', 'bert'],
    ['install', 'hff/bert'],
    ['install', 'npm/x', '--format', 'onx'],
  ]) {
    const ended = await runHere(...argv);
    assert.equal(ended.status, 2, `${argv.join(' ')}: ${ended.stderr}`);
    assert.match(ended.stderr, /^axon: error: .+\n$/);
  }
});

test('settings: defaults, set, nearest key, mode 0600, files of earlier releases', async (t) => {
  const home = makeHome(t);
  const file = path.join(home.dir, 'config.yaml');
  assert.equal(
    (await home.axon('config', 'get', 'mlos.endpoint')).stdout,
    'http://localhost:8080\n',
  );
  assert.equal((await home.axon('config', 'set', 'mlos.endpoint', 'http://localhost:9')).status, 0);
  assert.equal((await home.axon('config', 'get', 'mlos.endpoint')).stdout, 'http://localhost:9\n');
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const unknown = await home.axon('config', 'set', 'mlos.endpont', 'x');
  assert.equal(unknown.status, 3);
  assert.match(unknown.stderr, /mlos\.endpoint/);
  assert.equal((await home.axon('config', 'set', 'download.max_retries', 'many')).status, 3);
  await home.axon('config', 'set', 'registry.huggingface_token', 'hf_secret');
  assert.doesNotMatch((await home.axon('config', 'list')).stdout, /hf_secret/);
  fs.writeFileSync(file, 'home_dir: /x\nregistry:\n  url: ""\n  mirrors: []\nlog_level: info\n');
  assert.equal((await home.axon('list')).status, 0);
  fs.writeFileSync(file, 'a: &a [1]\n');
  assert.equal((await home.axon('list')).status, 3);
});

test('init, version, cache on an empty home', async (t) => {
  const home = makeHome(t);
  fs.rmSync(path.join(home.dir, 'config.yaml'));
  assert.equal((await home.axon('init', '--json')).json()['created'], true);
  assert.equal((await home.axon('init', '--json')).json()['created'], false);
  assert.deepEqual((await home.axon('list', '--json')).json(), { models: [] });
  assert.equal((await home.axon('cache', 'stats', '--json')).json()['models'], 0);
  fs.mkdirSync(path.join(home.dir, 'cache/staging/left'), { recursive: true });
  assert.equal((await home.axon('cache', 'clean', '--json')).json()['removed'], 1);
  assert.match((await home.axon('version')).stdout, /^axon \d/);
});

test('a home that cannot be made is a named error, not a hang', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.gguf'), 'GGUF');
  for (const AXON_HOME of ['/proc/axon-test', '/dev/null/axon-test']) {
    assert.equal(
      (await home.axonWith({ AXON_HOME }, 'install', './net.gguf')).status,
      19,
      AXON_HOME,
    );
    assert.equal((await home.axonWith({ AXON_HOME }, 'init')).status, 19, AXON_HOME);
  }
});
