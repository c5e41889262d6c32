import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openIpcDoor, withFolder } from '../../testing/conformance/fake-doors.ts';

// Guards: in a folder that anybody may write to, the door never follows, overwrites or deletes what
// is not its own, and is never there with a wider mode than asked for.

const watchdog = { timeout: 30_000 };

/** A socket file that nobody listens on: its process was killed. */
async function leaveStaleSocket(path: string): Promise<void> {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function refuses(path: string, why: RegExp): Promise<void> {
  await assert.rejects(openIpcDoor({ socketPath: path }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'FAILED_PRECONDITION');
    assert.match(error.message, why);
    return true;
  });
}

test('the socket has its mode, and is gone after close', watchdog, async () => {
  await withFolder(async (folder) => {
    const socketPath = join(folder, 'a.sock');
    const door = await openIpcDoor({ socketPath, mode: 0o620 });
    assert.equal((await lstat(socketPath)).mode & 0o777, 0o620);
    assert.deepEqual(await readdir(folder), ['a.sock'], 'the private folder is gone');
    await door.close();
    await door.close();
    assert.deepEqual(await readdir(folder), []);
  });
});

test('a stale socket is replaced, that of a running daemon is not', watchdog, async () => {
  await withFolder(async (folder) => {
    const socketPath = join(folder, 'a.sock');
    await leaveStaleSocket(socketPath);
    const door = await openIpcDoor({ socketPath });
    await refuses(socketPath, /in use by a running daemon/);
    const socket = connect(socketPath);
    await once(socket, 'connect'); // The refusal did not harm it.
    socket.destroy();
    await door.close();
  });
});

test('links, files and folders at the path are refused and stay', watchdog, async () => {
  await withFolder(async (folder) => {
    const target = join(folder, 'target');
    const link = join(folder, 'link');
    await writeFile(target, 'precious');
    await symlink(target, link);
    await refuses(link, /symbolic link/);
    await symlink(join(folder, 'nowhere'), join(folder, 'dangling'));
    await refuses(join(folder, 'dangling'), /symbolic link/);
    await refuses(target, /not a socket/);
    await mkdir(join(folder, 'dir'));
    await refuses(join(folder, 'dir'), /not a socket/);
    assert.deepEqual((await readdir(folder)).sort(), ['dangling', 'dir', 'link', 'target']);
  });
});

test('a link to a live socket is not taken for it', watchdog, async () => {
  await withFolder(async (folder) => {
    const squatter = createServer().listen(join(folder, 'real'));
    await once(squatter, 'listening');
    await symlink(join(folder, 'real'), join(folder, 'a.sock'));
    await refuses(join(folder, 'a.sock'), /symbolic link/);
    squatter.close();
  });
});

test('close leaves what another program put in its place', watchdog, async () => {
  await withFolder(async (folder) => {
    const socketPath = join(folder, 'a.sock');
    const door = await openIpcDoor({ socketPath });
    await rename(socketPath, join(folder, 'moved'));
    await writeFile(socketPath, 'precious');
    await door.close();
    assert.ok((await lstat(socketPath)).isFile());
  });
});

test('impossible paths are named', watchdog, async () => {
  await withFolder(async (folder) => {
    await refuses(join(folder, 'x'.repeat(108)), /107/);
    await refuses(join(folder, 'missing', 'a.sock'), /does not exist/);
    await writeFile(join(folder, 'file'), '');
    await refuses(join(folder, 'file', 'a.sock'), /does not exist|cannot be reached|not a folder/);
  });
});

test('two daemons that start together: one wins', watchdog, async () => {
  await withFolder(async (folder) => {
    const socketPath = join(folder, 'a.sock');
    for (let round = 0; round < 10; round++) {
      await leaveStaleSocket(socketPath);
      const started = await Promise.allSettled([
        openIpcDoor({ socketPath }),
        openIpcDoor({ socketPath }),
        openIpcDoor({ socketPath }),
      ]);
      const doors = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      assert.equal(doors.length, 1, `round ${round}`);
      const socket = connect(socketPath);
      await once(socket, 'connect');
      socket.destroy();
      await doors[0]?.close();
    }
  });
});
