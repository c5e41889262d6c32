import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startHubDouble } from '../hub-double/hub-double.ts';
import { tinyGguf } from '../hub-double/tiny-weights.ts';
import { makeHome, runHere } from './run-axon.ts';

test('mistakes on the command line end with 2 and one sentence', async () => {
  for (const argv of [
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

test('without a command axon prints its help, and a group its own with the status of a mistake', async () => {
  const whole = await runHere('--help');
  const bare = await runHere();
  assert.deepEqual([bare.status, bare.stdout, bare.stderr], [0, whole.stdout, '']);
  for (const group of ['cache', 'config', 'registry']) {
    const ended = await runHere(group);
    assert.deepEqual([ended.status, ended.stdout], [2, ''], group);
    assert.equal(ended.stderr, (await runHere(group, '--help')).stdout, group);
  }
});

test('help of a command is its --help; of one that is not there, an error that names the nearest', async () => {
  for (const words of [['install'], ['ls'], ['cache', 'stats']]) {
    const help = await runHere('help', ...words);
    assert.deepEqual([help.status, help.stderr], [0, ''], words.join(' '));
    assert.equal(help.stdout, (await runHere(...words, '--help')).stdout);
  }
  assert.equal((await runHere('help')).stdout, (await runHere('--help')).stdout);
  for (const [line, says] of [
    ['help instal', /no command `axon instal`\. Did you mean "install"\? `axon --help` lists all/],
    ['help nosuchcommand', /no command `axon nosuchcommand`\. `axon --help` lists all/],
    ['help cache stat', /no command `axon cache stat`\. Did you mean "stats"\?/],
    ['cache help stat', /no command `axon cache stat`\. Did you mean "stats"\?/],
    ['help list x', /no command `axon list x`\. `axon list` has no commands of its own/],
  ] as const) {
    const ended = await runHere(...line.split(' '));
    assert.deepEqual([ended.status, ended.stdout], [2, ''], line);
    assert.match(ended.stderr, says, line);
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
  assert.equal((await home.axon('config', 'unset', 'mlos.endpoint')).status, 0);
  assert.equal(
    (await home.axon('config', 'get', 'mlos.endpoint')).stdout,
    'http://localhost:8080\n',
  );
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
  fs.writeFileSync(path.join(home.dir, 'cache/staging/left/part'), 'bytes');
  assert.equal((await home.axon('cache', 'stats', '--json')).json()['unfinished_bytes'], 5);
  const dry = (await home.axon('cache', 'clean', '--dry-run', '--json')).json();
  assert.deepEqual(dry, { removed: 1, bytes: 5, dry_run: true });
  assert.equal((await home.axon('cache', 'clean', '--json')).json()['removed'], 1);
  assert.match((await home.axon('version')).stdout, /^axon \d/);
});

test('what is counted is named in the right number', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.gguf'), tinyGguf());
  for (const [line, says] of [
    ['install ./net.gguf --as my/net@1 --dry-run', /: 1 file, /],
    ['install ./net.gguf --as my/net@1', /: 1 file, /],
    ['verify my/net@1', /: 1 file, /],
    ['cache stats', /^1 model, /],
    ['fsck', /^1 model and 1 stored file are /],
    ['gc', /^Removed 0 unused files and 0 old downloads, /],
    ['pack my/net@1 -o net.axon', /./],
    ['validate ./net.axon', /: 1 file, /],
    ['unpack net.axon -C out', /: 1 file in /],
    ['export my/net@1 -o all.tar', /Exported 1 model, /],
  ] as const) {
    const ended = await home.axon(...line.split(' '));
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, says, line);
  }
});

test('a home that cannot be made is a named error, not a hang', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.gguf'), tinyGguf());
  for (const AXON_HOME of ['/proc/axon-test', '/dev/null/axon-test']) {
    assert.equal(
      (await home.axonWith({ AXON_HOME }, 'install', './net.gguf')).status,
      19,
      AXON_HOME,
    );
    assert.equal((await home.axonWith({ AXON_HOME }, 'init')).status, 19, AXON_HOME);
  }
});

test('a registry is where a hub is asked, unless the environment names another', async (t) => {
  const [near, far] = [await startHubDouble({ repos: [] }), await startHubDouble({ repos: [] })];
  t.after(() => Promise.all([near.close(), far.close()]));
  const home = makeHome(t);
  assert.equal((await home.axon('registry', 'add', 'hf', near.hf)).status, 0);
  const again = await home.axon('registry', 'add', 'hf', far.hf);
  assert.equal(again.status, 16);
  assert.match(again.stderr, /axon registry set hf/);
  assert.equal((await home.axon('install', 'hf/org/net')).status, 5);
  assert.equal(near.seen.length > 0, true);
  const listed = (await home.axon('registry', 'list', '--json')).json<{
    endpoints: { hub: string; url: string | null; from: string }[];
  }>();
  assert.deepEqual(
    listed.endpoints.find(({ hub }) => hub === 'hf'),
    { hub: 'hf', url: near.hf, from: 'config.yaml' },
  );
  const asked = near.seen.length;
  await home.axonWith({ HF_ENDPOINT: far.hf }, 'install', 'hf/org/net');
  assert.equal(near.seen.length, asked);
  assert.equal(far.seen.length > 0, true);
  assert.equal((await home.axon('registry', 'set', 'hf', 'mirror')).status, 3);
  assert.equal((await home.axon('registry', 'add', 'hub', far.hf)).status, 2);
  assert.equal((await home.axon('registry', 'remove', 'hf')).status, 0);
  assert.equal((await home.axon('registry', 'remove', 'hf')).status, 5);
});

test('list in the forms of earlier releases', async (t) => {
  const home = makeHome(t);
  assert.equal((await home.axon('list', '--format', 'json')).stdout, '[]\n');
  fs.writeFileSync(path.join(home.dir, 'net.gguf'), tinyGguf());
  for (const id of ['my/net@1', 'my/net@2']) await home.axon('install', './net.gguf', '--as', id);
  assert.equal((await home.axon('list', '--format', 'names')).stdout, 'my/net\n');
  assert.deepEqual((await home.axon('list', '-f', 'json')).json(), [
    { Namespace: 'my', Name: 'net', Version: '1', Path: path.join(home.models, 'my/net/1') },
    { Namespace: 'my', Name: 'net', Version: '2', Path: path.join(home.models, 'my/net/2') },
  ]);
  assert.equal((await home.axon('list', '--format', 'xml')).status, 2);
});

test('with --json stderr is a stream of events; --quiet leaves warnings and errors', async (t) => {
  const home = makeHome(t);
  fs.writeFileSync(path.join(home.dir, 'net.gguf'), tinyGguf());
  const events = ({ stderr }: { stderr: string }) =>
    stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { event: string }).event);
  const done = await home.axon('install', './net.gguf', '--json');
  assert.equal(done.status, 0);
  assert.ok(events(done).includes('note'), done.stderr);
  const failed = await home.axon('verify', 'my/none@1', '--json');
  assert.deepEqual(events(failed), ['error']);
  assert.equal(failed.json<{ error: { code: string } }>().error.code, 'NOT_INSTALLED');
  const quiet = await home.axon('install', './net.gguf', '--force', '--quiet');
  assert.deepEqual([quiet.status, quiet.stderr], [0, '']);
});
