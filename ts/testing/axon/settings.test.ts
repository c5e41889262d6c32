import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeHome } from './run-axon.ts';

test('settings that are changed at the same time are all there afterwards', async (t) => {
  const home = makeHome(t);
  const lines = [
    ['config', 'set', 'download.parallel', '3'],
    ['config', 'set', 'download.max_retries', '7'],
    ['config', 'set', 'mlos.endpoint', 'http://localhost:9'],
    ['registry', 'add', 'hf', 'http://hf.example.com'],
    ['registry', 'add', 'npm', 'http://npm.example.com'],
  ];
  const ends = await Promise.all(lines.map((argv) => home.spawned(...argv)));
  for (const { status, stderr } of ends) assert.equal(status, 0, stderr);
  const { values } = (await home.axon('config', 'list', '--json')).json<{
    values: Record<string, unknown>;
  }>();
  assert.deepEqual(
    [
      values['download.parallel'],
      values['download.max_retries'],
      values['mlos.endpoint'],
      values['registry.endpoints.hf'],
      values['registry.endpoints.npm'],
      values['download.stall_seconds'],
    ],
    [3, 7, 'http://localhost:9', 'http://hf.example.com', 'http://npm.example.com', 1],
  );
  assert.deepEqual(fs.readdirSync(home.dir).sort(), ['config.yaml']);
});

test('what else stands in config.yaml stays as its owner wrote it', async (t) => {
  const home = makeHome(t);
  const file = path.join(home.dir, 'config.yaml');
  fs.writeFileSync(
    file,
    '# of this machine\nmlos.endpoint: http://a\n# slow line\ndownload:\n  parallel: 2 # not more\n',
  );
  assert.equal((await home.axon('config', 'set', 'download.parallel', '3')).status, 0);
  assert.equal((await home.axon('config', 'set', 'mlos.endpoint', 'http://b')).status, 0);
  const text = fs.readFileSync(file, 'utf8');
  for (const line of [/# slow line\ndownload:\n {2}parallel: 3 # not more/, /endpoint: http:\/\/b/])
    assert.match(text, line);
  assert.doesNotMatch(text, /http:\/\/a/);
});

test('a path in the settings is the same wherever a command runs', async (t) => {
  const home = makeHome(t);
  const said = async (key: string) => (await home.axon('config', 'get', key)).stdout;
  assert.equal((await home.axon('config', 'set', 'cache_dir', 'models')).status, 0);
  assert.equal(await said('cache_dir'), `${path.join(home.dir, 'models')}\n`);
  assert.equal((await home.axon('config', 'set', 'cache_dir', '')).status, 0);
  assert.equal((await home.axon('keygen', '-o', 'mine')).status, 0);
  assert.equal(
    (await home.axon('config', 'set', 'security.trusted_keys', 'mine.pub.pem')).status,
    0,
  );
  assert.equal(await said('security.trusted_keys'), `${path.join(home.dir, 'mine.pub.pem')}\n`);
  fs.writeFileSync(path.join(home.dir, 'config.yaml'), 'cache_dir: models\n');
  const relative = await home.axon('list');
  assert.equal(relative.status, 3);
  assert.match(relative.stderr, /cache_dir must be an absolute path .*, not "models"/);
});

test('a key that is wrong stops every command but those that mend it', async (t) => {
  const home = makeHome(t);
  const file = path.join(home.dir, 'config.yaml');
  fs.writeFileSync(file, 'mlos:\n  endpont: x\ndownload:\n  parallel: many\n');
  const stopped = await home.axon('list');
  assert.equal(stopped.status, 3);
  assert.match(stopped.stderr, /"mlos\.endpont".*`axon config unset mlos\.endpont`/);
  const listed = await home.axon('config', 'list');
  assert.equal(listed.status, 0, listed.stderr);
  assert.match(listed.stderr, /mlos\.endpont[\s\S]*download\.parallel must be a whole number/);
  const set = await home.axon('config', 'set', 'download.parallel', '2');
  assert.equal(set.status, 0, set.stderr);
  assert.match(fs.readFileSync(file, 'utf8'), /endpont: x/, 'what it does not know it leaves');
  assert.equal((await home.axon('config', 'unset', 'mlos.endpont')).status, 0);
  assert.equal(fs.readFileSync(file, 'utf8'), 'download:\n  parallel: 2\n');
  assert.equal((await home.axon('list')).status, 0);
  assert.equal((await home.axon('config', 'unset', 'mlos.endpont')).status, 3);
  fs.writeFileSync(file, 'hello\n');
  assert.equal((await home.axon('config', 'set', 'download.parallel', '2')).status, 3);
  assert.equal(fs.readFileSync(file, 'utf8'), 'hello\n');
});
