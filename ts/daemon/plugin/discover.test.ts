import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFakePlugin } from '../../testing/fake-plugin/make.ts';
import { discoverPlugins, readPluginFolder } from './discover.ts';

test('plugin folders are found, broken ones are reported and hinder nothing', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'mlos-discover-'));
  t.after(() => rm(root, { recursive: true }));
  const [one, two] = [join(root, 'one'), join(root, 'two')];
  await makeFakePlugin(join(one, 'a'));
  await makeFakePlugin(join(one, 'b'), { version: '2.0.0' });
  await makeFakePlugin(join(two, 'twin'));
  await mkdir(join(two, 'no-plugin'));
  for (const name of ['broken', 'huge', 'folder']) await mkdir(join(two, name));
  await writeFile(join(two, 'broken/plugin.yaml'), 'kind: Model');
  await writeFile(join(two, 'huge/plugin.yaml'), ' '.repeat(70_000));
  await mkdir(join(two, 'folder/plugin.yaml'));
  await symlink(join(one, 'nowhere'), join(two, 'dangling'));
  await writeFile(join(two, 'file'), '');

  const { found, broken } = await discoverPlugins([one, two, join(root, 'not-there')]);
  assert.deepEqual(
    found.map(({ id, folder }) => [id, folder]),
    [
      ['fake@1.0.0', join(one, 'a')],
      ['fake@2.0.0', join(one, 'b')],
    ],
  );
  const reasons = new Map(broken.map(({ folder, reason }) => [folder, reason]));
  assert.deepEqual(
    [...reasons.keys()],
    ['broken', 'folder', 'huge', 'twin'].map((n) => join(two, n)),
  );
  assert.match(reasons.get(join(two, 'broken')) ?? '', /apiVersion/);
  assert.match(reasons.get(join(two, 'huge')) ?? '', /70000 bytes; the limit is 65536/);
  assert.match(reasons.get(join(two, 'twin')) ?? '', /fake@1\.0\.0 is in .*one\/a already/);
});

test('a folder without a plugin.yaml says so', async () => {
  await assert.rejects(readPluginFolder('/nowhere'), {
    code: 'INVALID_MANIFEST',
    message: '/nowhere/plugin.yaml cannot be read: there is no such file.',
  });
});
