import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../axon/store/lock.ts';
import { randomFrom } from '../data-plane/random.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { type Home, makeHome } from './run-axon.ts';

/*
 * Guards: installs that are killed at any moment. Never is anything visible that is not whole, the next
 * install ends right, and nothing is left behind. All of it with MLOS_SOAK=1, else a few.
 */
const rounds = process.env['MLOS_SOAK'] === '1' ? 100 : 12;
const longestMs = 700;

const repo = {
  id: 'acme/bert',
  files: {
    'README.md': '# bert',
    'config.json': '{"hidden":3}',
    'model.onnx': tinyOnnx({ weights: [{ name: 'w', location: 'model.onnx_data' }] }),
    'model.onnx_data': Buffer.alloc(3_000_000, 7),
  },
};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [repo] });
});
after(() => double.close());

test('an install that is killed at any moment leaves all or nothing', async (t) => {
  const home = makeHome(t, double);
  const seed = Number(process.env['MLOS_KILLS_SEED'] ?? Date.now() % 1_000_000);
  const random = randomFrom(seed);
  let [killed, whole] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    // Half of them replace what is there.
    const { child, ended } = home.start(
      'install',
      'hf/acme/bert',
      ...(random() < 0.5 ? ['--force'] : []),
    );
    await Promise.race([sleep(random() * longestMs), ended]);
    child.kill('SIGKILL');
    if ((await ended).status === null) killed += 1;
    if ((await home.axon('list', '--names')).stdout === '') continue;
    const verified = await home.axon('verify', 'hf/acme/bert');
    assert.equal(verified.status, 0, `round ${round}, seed ${seed}: ${verified.stderr}`);
    whole += 1;
    if (random() < 0.5) assert.equal((await home.axon('uninstall', 'hf/acme/bert')).status, 0);
  }
  t.diagnostic(
    `seed ${seed}: ${killed} of ${rounds} were killed, a whole model was seen ${whole} times`,
  );
  assert.ok(killed > 0, 'none was killed: the test says nothing');
  const last = await home.axon('install', 'hf/acme/bert', '--force');
  assert.equal(last.status, 0, last.stderr);
  for (const verb of ['verify hf/acme/bert', 'fsck', 'gc', 'cache clean'])
    assert.equal((await home.axon(...verb.split(' '))).status, 0, verb);
  const left = (folder: string) => {
    const dir = path.join(home.dir, 'cache', folder);
    return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
  };
  assert.deepEqual(left('staging'), []);
  assert.deepEqual(left('locks'), []);
  const blobs = left('blobs/sha256').flatMap((name) => left(`blobs/sha256/${name}`));
  assert.equal(blobs.length, Object.keys(repo.files).length);
});

/** Dies after the former package was set aside, before the new one takes its place. */
const dieBetweenRenames = `
  import fs from 'node:fs';
  const rename = fs.renameSync;
  fs.renameSync = (from, to) => {
    if (from.endsWith('/package') && to.includes('/models/')) process.kill(process.pid, 'SIGKILL');
    rename(from, to);
  };`;

async function cutReplacement(home: Home): Promise<string> {
  const dir = path.join(home.models, 'hf/acme/bert/latest');
  const killed = await home.spawnedWith(dieBetweenRenames, 'install', 'hf/acme/bert', '--force');
  assert.equal(killed.status, null, killed.stderr);
  assert.ok(!fs.existsSync(dir), 'killed at another moment: the test says nothing');
  return dir;
}

test('a model whose replacement was killed between its renames is there for whatever comes next', async (t) => {
  const home = makeHome(t, double);
  assert.equal((await home.axon('install', 'hf/acme/bert')).status, 0);
  for (const [line, says] of [
    ['list --names', /^hf\/acme\/bert@latest\n$/],
    ['info hf/acme/bert', /onnx/],
    ['verify hf/acme/bert', /Verified/],
    ['cache stats', /^1 model, /],
    ['gc', /Removed 0 unused files/],
    ['cache clean', /Removed 1 unfinished download/],
    ['fsck', /1 model and 4 stored files/],
    ['config list', /cache_dir/],
    ['install hf/acme/bert --json', /"already-installed"/],
  ] as const) {
    const dir = await cutReplacement(home);
    const { status, stdout, stderr } = await home.axon(...line.split(' '));
    assert.equal(status, 0, `${line}: ${stderr}`);
    assert.match(stdout, says);
    assert.ok(fs.existsSync(path.join(dir, 'manifest.yaml')), line);
    assert.equal((await home.axon('verify', 'hf/acme/bert')).status, 0, line);
  }
  await cutReplacement(home);
  assert.equal((await home.axon('uninstall', 'hf/acme/bert')).status, 0);
  assert.deepEqual(home.installed(), []);
});

test('what was set aside is told where it cannot be put back, and is never cleaned away', async (t) => {
  const home = makeHome(t, double);
  assert.equal((await home.axon('install', 'hf/acme/bert')).status, 0);
  const dir = await cutReplacement(home);
  const staging = path.join(home.dir, 'cache/staging');
  const [key = ''] = fs.readdirSync(staging);
  const note = path.join(staging, key, 'id');
  fs.writeFileSync(note, 'acme/other@1');
  for (const line of ['list', 'gc', 'cache clean']) {
    const { status, stderr } = await home.axon(...line.split(' '));
    assert.equal(status, 0, stderr);
    assert.match(stderr, /staging.* is not put back: .*names acme\/other@1/);
  }
  fs.writeFileSync(note, 'hf/acme/bert@latest');
  const held = await acquireLock(path.join(home.dir, 'cache/locks', key), {
    waitMs: 0,
    onWait: () => undefined,
    signal: new AbortController().signal,
  });
  const listed = home.axon('list', '--names');
  await sleep(300);
  held.release();
  assert.equal((await listed).stdout, 'hf/acme/bert@latest\n', 'waited for the one that replaces');
  assert.ok(fs.existsSync(dir));
});
