import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertTrustedCommand, assertTrustedPath } from './owned-path.ts';

async function makeTree(t: { after(done: () => Promise<void>): void }): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'mlos-owned-'));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'safe/inner'), { recursive: true, mode: 0o755 });
  await writeFile(join(root, 'safe/inner/file'), '', { mode: 0o644 });
  return root;
}

const refused = { code: 'PERMISSION_DENIED' };

test('a file and every folder above it', async (t) => {
  const root = await makeTree(t);
  const file = join(root, 'safe/inner/file');
  await assertTrustedPath(file, 'It');
  for (const name of ['safe/inner/file', 'safe/inner', 'safe']) {
    for (const mode of [0o722, 0o720, 0o702]) {
      await chmod(join(root, name), mode);
      await assert.rejects(assertTrustedPath(file, 'It'), refused, `${name} ${mode.toString(8)}`);
    }
    await chmod(join(root, name), 0o755);
  }
  // Where entries belong to their owners a folder may be open; that says nothing of a file.
  await chmod(join(root, 'safe'), 0o1777);
  await assertTrustedPath(file, 'It');
  await chmod(file, 0o1777);
  await assert.rejects(assertTrustedPath(file, 'It'), refused);
});

test('links: where they lie counts as much as where they lead', async (t) => {
  const root = await makeTree(t);
  await mkdir(join(root, 'open'));
  await symlink(join(root, 'safe/inner'), join(root, 'safe/way'));
  await symlink('../safe/inner/file', join(root, 'open/link'));
  await assertTrustedPath(join(root, 'safe/way/file'), 'It');
  await assertTrustedPath(join(root, 'open/link'), 'It');
  await chmod(join(root, 'open'), 0o777);
  await assert.rejects(assertTrustedPath(join(root, 'open/link'), 'It'), {
    ...refused,
    message: /^It .*\/open\/link is not taken: .*\/open can be changed/,
  });
  await chmod(join(root, 'open'), 0o755);
  await chmod(join(root, 'safe/inner'), 0o777);
  await assert.rejects(assertTrustedPath(join(root, 'safe/way/file'), 'It'), refused);
});

test('what is not there, and links that lead nowhere', async (t) => {
  const root = await makeTree(t);
  await symlink('loop', join(root, 'loop'));
  for (const [name, code] of [
    ['nothing', 'ENOENT'],
    ['loop', 'ELOOP'],
    ['safe/inner/file/below', 'ENOTDIR'],
  ]) {
    const message = `It ${join(root, name ?? '')} cannot be read (${code}).`;
    const error = { code: 'INVALID_ARGUMENT', message };
    await assert.rejects(assertTrustedPath(join(root, name ?? ''), 'It'), error);
  }
});

test('what belongs to another user', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs the right to give files away');
  const root = await makeTree(t);
  await chown(join(root, 'safe/inner/file'), 12_345, 0);
  await assert.rejects(assertTrustedPath(join(root, 'safe/inner/file'), 'It'), refused);
});

test('a command: its program and the arguments that are files', async (t) => {
  const root = await makeTree(t);
  const file = join(root, 'safe/inner/file');
  const others = ['--fast', 'word', '/dev/null', join(root, 'nothing'), tmpdir()];
  await assertTrustedCommand([file, ...others], 'It');
  await assertTrustedCommand([process.execPath, file, ...others], 'It');
  await chmod(file, 0o777);
  await assert.rejects(assertTrustedCommand([file, ...others], 'It'), refused);
  await assert.rejects(assertTrustedCommand([process.execPath, ...others, file], 'It'), refused);
});
