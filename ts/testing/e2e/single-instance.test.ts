import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace } from '../daemon/with-daemon.ts';

/*
 * Guards: two daemons never share a data folder, a socket or a port; the second is refused with a
 * sentence that says what is in its way, and nothing of the first is touched.
 */
const watchdog = { timeout: 60_000 };

/** It must end by itself with exit code 1 and a message, and leave no data behind its back. */
async function refused(daemon: DaemonProcess, message: RegExp): Promise<void> {
  const exit = await daemon.exited;
  assert.deepEqual(exit, { code: 1, signal: null }, daemon.output);
  assert.match(daemon.output, message);
  assert.doesNotMatch(daemon.output, /^\s+at /m, 'no stack trace');
  assert.ok(!daemon.processes().includes(daemon.pid));
}

function listen(server: Server, where: string | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where as string, () => resolve());
  });
}

test(
  'a start that fails leaves nothing open: full disk, impossible folders',
  watchdog,
  async (t) => {
    const place = await openPlace(t);
    const socketPath = join(place.folder, 'x.sock');
    for (const folder of ['/proc/nope', '/etc/hostname']) {
      const daemon = place.launch({ socketPath, args: ['--data-dir', folder] });
      await refused(daemon, new RegExp(`data folder ${folder} cannot be used`));
      assert.ok(!existsSync(socketPath));
    }
    const full = join(place.folder, 'full');
    mkdirSync(full);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', full]);
    if (mounted.status !== 0) return t.diagnostic('no right to mount: the full disk is not tried');
    try {
      const fill = spawnSync('dd', [
        'if=/dev/zero',
        `of=${join(full, 'fill')}`,
        'bs=4k',
        'count=80',
      ]);
      assert.notEqual(fill.status, 0, 'the disk is full');
      const daemon = place.launch({ socketPath, args: ['--data-dir', join(full, 'data')] });
      const exit = await daemon.exited;
      assert.equal(exit.code, 1, daemon.output);
      assert.doesNotMatch(daemon.output, /"msg":"ready"/);
      assert.ok(!existsSync(socketPath));
    } finally {
      spawnSync('umount', ['-l', full]);
    }
  },
);

test('a second daemon on one data folder is refused', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  const stateBefore = readFileSync(join(first.dataFolder, 'daemon.json'), 'utf8');
  const second = place.launch({ socketPath: join(place.folder, 'second.sock') });
  await refused(second, new RegExp(`Another daemon \\(pid ${first.pid}\\).*--data-dir`));
  assert.equal(readFileSync(join(first.dataFolder, 'daemon.json'), 'utf8'), stateBefore);
  assert.ok(!existsSync(join(place.folder, 'second.sock')));
  assert.equal((await first.http.get('/health')).body.pid, first.pid);
  const client = await first.connect();
  assert.equal((await client.call('health.get', {})).pid, first.pid);
});

test('a second daemon on one socket is refused, and the first keeps it', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  mkdirSync(join(place.folder, 'b'));
  const second = new DaemonProcess(join(place.folder, 'b'), { socketPath: first.socketPath });
  await refused(second, /in use by a running daemon/);
  assert.equal((await (await first.connect()).call('health.get', {})).pid, first.pid);
});

test('whatever squats the socket path is left alone', watchdog, async (t) => {
  const place = await openPlace(t);
  const file = await place.file('file.sock', 'precious');
  await refused(place.launch({ socketPath: file }), /not a socket/);
  assert.equal(readFileSync(file, 'utf8'), 'precious');

  const link = join(place.folder, 'link.sock');
  symlinkSync(file, link);
  await refused(place.launch({ socketPath: link }), /symbolic link/);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(readFileSync(file, 'utf8'), 'precious');

  const folder = join(place.folder, 'folder.sock');
  mkdirSync(folder);
  await refused(place.launch({ socketPath: folder }), /not a socket/);

  const live = join(place.folder, 'live.sock');
  const server = createServer((socket) => socket.destroy());
  await listen(server, live);
  await refused(place.launch({ socketPath: live }), /in use/);
  assert.ok(lstatSync(live).isSocket());
  server.close();

  const missing = join(place.folder, 'none', 'mlos.sock');
  await refused(place.launch({ socketPath: missing }), /does not exist/);
  const long = join(place.folder, `${'x'.repeat(110)}.sock`);
  await refused(place.launch({ socketPath: long }), /bytes/);
});

test('a stale socket, lock and state file hinder nobody', watchdog, async (t) => {
  const place = await openPlace(t);
  const first = await place.start();
  await first.end('SIGKILL');
  assert.ok(lstatSync(first.socketPath).isSocket(), 'the kill leaves the socket');
  const second = await place.start();
  assert.equal((await (await second.connect()).call('health.get', {})).pid, second.pid);
  assert.equal(lstatSync(second.socketPath).mode & 0o777, 0o600);
  assert.deepEqual(await second.end(), { code: 0, signal: null });
  assert.ok(!existsSync(second.socketPath));
});

for (const adapter of ['uwebsockets', 'node']) {
  test(`a taken port is said so (${adapter})`, watchdog, async (t) => {
    const place = await openPlace(t);
    const server = createServer();
    await listen(server, { host: '127.0.0.1', port: 0 });
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    const args = ['--set', `api.http.adapter=${adapter}`];
    const daemon = place.launch({ port, args });
    await refused(daemon, new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
    assert.ok(!existsSync(daemon.socketPath));
    assert.ok(!existsSync(join(daemon.dataFolder, 'daemon.json')));
    // What was refused once starts as soon as the way is free.
    await place.start({ args });
  });
}

test('a corrupt state file of the last daemon hinders nobody', watchdog, async (t) => {
  const place = await openPlace(t);
  mkdirSync(join(place.folder, 'data'));
  await place.file('data/daemon.json', '{"pid": ');
  const daemon = place.launch();
  for (let i = 0; i < 3_000 && daemon.exit === null; i++) {
    const text = readFileSync(join(daemon.dataFolder, 'daemon.json'), 'utf8');
    if (text.includes(`"pid": ${daemon.pid}`)) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(daemon.exit, null, daemon.output);
  assert.equal((await daemon.http.get('/livez')).status, 200);
});
