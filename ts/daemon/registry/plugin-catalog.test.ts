import assert from 'node:assert/strict';
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFakePlugin } from '../../testing/fake-plugin/make.ts';
import { PluginCatalog } from './plugin-catalog.ts';
import { RecordStore } from './record-store.ts';

interface Room {
  readonly root: string;
  /** Reads the same records again, as the next start does. */
  open(folders?: readonly string[]): Promise<PluginCatalog>;
}

async function openRoom(t: { after(done: () => Promise<void>): void }): Promise<Room> {
  const root = await mkdtemp(join(tmpdir(), 'mlos-catalog-'));
  const store = RecordStore.open(join(root, 'data'));
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const open = (folders: readonly string[] = []) =>
    PluginCatalog.open({ store, builtinFolder: join(root, 'none'), folders, maxPlugins: 8 });
  return { root, open };
}

const anything = () => undefined;

test('a plugin whose folder is gone says so, and can be forgotten', async (t) => {
  const { root, open } = await openRoom(t);
  const folder = await makeFakePlugin(join(root, 'gone'));
  await (await open()).register(folder, anything);
  await rm(folder, { recursive: true });

  const catalog = await open();
  assert.equal(catalog.size, 0);
  assert.equal(catalog.broken.length, 1);
  assert.equal(catalog.broken[0]?.folder, folder);
  assert.match(
    catalog.broken[0]?.reason ?? '',
    /ENOENT.*registered as fake@1\.0\.0; `mlos plugins unregister fake@1\.0\.0` forgets it/,
  );
  assert.equal(catalog.registeredId('fake@1.0.0'), 'fake@1.0.0');
  catalog.unregister('fake@1.0.0');
  assert.deepEqual(catalog.broken, []);
  assert.throws(() => catalog.registeredId('fake@1.0.0'), { code: 'PLUGIN_NOT_FOUND' });
  assert.throws(() => catalog.unregister('fake@1.0.0'), { code: 'PLUGIN_NOT_FOUND' });
  assert.deepEqual((await open()).broken, []);
});

test('a plugin that is lost can be registered again, from there or elsewhere', async (t) => {
  const { root, open } = await openRoom(t);
  const folder = await makeFakePlugin(join(root, 'here'));
  await (await open()).register(folder, anything);
  await rename(folder, join(root, 'there'));
  const catalog = await open();
  assert.equal(catalog.broken.length, 1);
  await catalog.register(join(root, 'there'), anything);
  assert.deepEqual(catalog.broken, []);
  const again = await open();
  assert.deepEqual(again.broken, []);
  assert.equal(again.resolve('fake').descriptor.folder, join(root, 'there'));
});

test('a record whose id another folder has taken is lost, and forgetting it takes only it', async (t) => {
  const { root, open } = await openRoom(t);
  await (await open()).register(await makeFakePlugin(join(root, 'one')), anything);
  await makeFakePlugin(join(root, 'plugins/two'));
  const catalog = await open([join(root, 'plugins')]);
  assert.match(catalog.broken[0]?.reason ?? '', /taken by .*plugins\/two/);
  catalog.unregister('fake@1.0.0');
  assert.deepEqual(catalog.broken, []);
  assert.equal(catalog.resolve('fake').source, 'folder');
  assert.throws(() => catalog.unregister('fake@1.0.0'), { code: 'FAILED_PRECONDITION' });
});

test('a plugin.yaml with another version is forgotten under all its ids', async (t) => {
  const { root, open } = await openRoom(t);
  const folder = await makeFakePlugin(join(root, 'one'));
  await (await open()).register(folder, anything);
  await makeFakePlugin(folder, { version: '2.0.0' });
  const catalog = await open();
  assert.equal(catalog.resolve('fake').descriptor.id, 'fake@2.0.0');
  catalog.unregister('fake@2.0.0');
  const next = await open();
  assert.deepEqual([next.size, next.broken], [0, []]);
});

test('a program that others can write is refused: registered, found or recalled', async (t) => {
  const { root, open } = await openRoom(t);
  const folder = await makeFakePlugin(join(root, 'plugins/own'));
  const program = join(folder, 'run.sh');
  const yaml = `apiVersion: mlos.io/smi/v1\nkind: Plugin\nname: own\nversion: "1"\nformats: [own]
dtypes: [float32]\ncommand: [./run.sh]\n`;
  await writeFile(program, '#!/bin/sh\n');
  await writeFile(join(folder, 'plugin.yaml'), yaml);
  await chmod(program, 0o777);
  const refusal = /^The program of plugin own@1 .*run\.sh is not taken/;
  const catalog = await open();
  const refused = { code: 'PERMISSION_DENIED', message: refusal };
  await assert.rejects(catalog.register(folder, anything), refused);
  assert.match((await open([join(root, 'plugins')])).broken[0]?.reason ?? '', refusal);

  await chmod(program, 0o755);
  await catalog.register(folder, anything);
  assert.deepEqual((await open([join(root, 'plugins')])).broken, []);
  await chmod(program, 0o777);
  const recalled = await open();
  assert.equal(recalled.size, 0);
  assert.match(recalled.broken[0]?.reason ?? '', refusal);
});
