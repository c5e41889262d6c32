import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { runMlos } from '../daemon/run-mlos.ts';
import { openPlace } from '../daemon/with-daemon.ts';

/*
 * Guards: a socket that is named is the daemon that is meant, whatever the data folder holds.
 */
const watchdog = { timeout: 90_000 };

test('commands ask the socket that was named', watchdog, async (t) => {
  const [place, other] = [await openPlace(t), await openPlace(t)];
  const daemon = await place.start();
  const bystander = await other.start();
  // Where the commands run; no daemon has its folder there.
  const elsewhere = await openPlace(t);
  const mlos = (args: string[], environment: Record<string, string> = {}) =>
    runMlos(elsewhere.folder, args, environment);
  const at = ['-s', daemon.socketPath];

  const [status, asJson, top, models, byVariable, folderWins, bothFlags] = await Promise.all([
    mlos(['status', ...at]),
    mlos(['status', '--json', ...at]),
    mlos(['top', '--once', ...at]),
    mlos(['models', ...at]),
    mlos(['status'], { MLOS_API_IPC_SOCKET_PATH: daemon.socketPath }),
    mlos(['status', '--data-dir', bystander.dataFolder], {
      MLOS_API_IPC_SOCKET_PATH: daemon.socketPath,
    }),
    mlos(['status', '--data-dir', bystander.dataFolder, ...at]),
  ]);
  for (const [result, pid] of [
    [status, daemon.pid],
    [byVariable, daemon.pid],
    [folderWins, bystander.pid],
    [bothFlags, daemon.pid],
  ] as const) {
    assert.equal(result.code, 0, result.stdout + result.stderr);
    assert.match(result.stdout, new RegExp(`, pid ${pid},`));
  }
  const facts = JSON.parse(asJson.stdout);
  assert.deepEqual(
    [facts.running, facts.pid, facts.socket_path, facts.http],
    [true, daemon.pid, daemon.socketPath, { host: '127.0.0.1', port: daemon.httpPort }],
  );
  assert.match(top.stdout, /^mlos top /);
  assert.ok(top.stdout.includes(daemon.socketPath), top.stdout);
  assert.equal(models.code, 0, models.stderr);

  const stopped = await mlos(['stop', ...at]);
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.deepEqual(await daemon.exited, { code: 0, signal: null });
  assert.equal(bystander.exit, null, 'the other daemon runs on');

  const onOther = ['--data-dir', bystander.dataFolder];
  for (const command of [['top', '--once'], ['models'], ['stop']]) {
    const { code, stdout, stderr } = await mlos([...command, ...onOther, ...at]);
    assert.deepEqual([code, stdout], [3, ''], command.join(' '));
    assert.ok(stderr.startsWith(`mlos: No daemon listens at ${daemon.socketPath}. `), stderr);
  }
  const gone = await mlos(['status', ...onOther, ...at]);
  assert.deepEqual([gone.code, gone.stderr], [3, '']);
  assert.ok(gone.stdout.startsWith(`No daemon listens at ${daemon.socketPath}. `), gone.stdout);
  const goneJson = await mlos(['status', '--json', ...at]);
  assert.deepEqual([goneJson.code, JSON.parse(goneJson.stdout).running], [3, false]);
  assert.equal(bystander.exit, null);
});

test('a listener that is no daemon, or hangs, is said to be one', watchdog, async (t) => {
  const place = await openPlace(t);
  const sockets = new Set<Socket>();
  const listen = async (name: string, onSocket: (socket: Socket) => void): Promise<string> => {
    const path = join(place.folder, name);
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return path;
  };
  const shut = await listen('shut.sock', (socket) => socket.destroy());
  const mute = await listen('mute.sock', () => undefined);
  const [fromShut, fromMute] = await Promise.all([
    runMlos(place.folder, ['status', '-s', shut]),
    runMlos(place.folder, ['status', '-s', mute]),
  ]);
  assert.equal(fromShut.code, 1);
  assert.ok(fromShut.stderr.includes(shut), fromShut.stderr);
  assert.equal(fromMute.code, 1);
  assert.match(fromMute.stderr, /did not answer within 5000 ms/);
});
