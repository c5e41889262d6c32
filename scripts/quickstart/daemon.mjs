import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, StepError } from '../steps.mjs';

const startMs = 20_000;

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The usual places, or others where these are taken, with a sentence for the person. */
export async function choosePlaces(folder) {
  const notes = [];
  let port = 8080;
  if (!(await isFree(port))) {
    port = 0;
    notes.push('Port 8080 is taken, so the daemon takes a free one.');
  }
  let socketPath = '/tmp/mlos.sock';
  if (existsSync(socketPath)) {
    socketPath = join(folder, 'mlos.sock');
    // The kernel takes 107 bytes; a clone may lie deep.
    if (Buffer.byteLength(socketPath) > 107) {
      socketPath = join(tmpdir(), `mlos-quickstart-${process.pid}.sock`);
    }
    notes.push(`/tmp/mlos.sock is taken, so the socket is ${socketPath}.`);
  }
  return { port, socketPath, notes };
}

/** Starts `mlos serve` with its own data folder; resolves when its doors are open. */
export async function startDaemon({ folder, port, socketPath }) {
  const dataFolder = join(folder, 'mlos');
  const logFile = join(folder, 'daemon.log');
  const stateFile = join(dataFolder, 'daemon.json');
  rmSync(stateFile, { force: true });
  const log = openSync(logFile, 'w');
  const child = spawn(
    process.execPath,
    [
      join(root, 'dist/daemon/main.js'),
      'serve',
      '--data-dir',
      dataFolder,
      '--http-port',
      String(port),
      '--grpc-port',
      '0',
      '--socket',
      socketPath,
    ],
    // Its own session: a Ctrl-C here is ours to handle, and --keep leaves it running.
    { stdio: ['ignore', log, log], detached: true, cwd: folder },
  );
  closeSync(log);
  const deadline = Date.now() + startMs;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) {
      const last = readFileSync(logFile, 'utf8').trim().split('\n').at(-1);
      throw new StepError(`The daemon did not start: ${last} (log: ${logFile})`);
    }
    if (existsSync(stateFile)) {
      const state = JSON.parse(readFileSync(stateFile, 'utf8'));
      return {
        child,
        dataFolder,
        socketPath,
        endpoint: `http://127.0.0.1:${state.http.port}`,
        grpcPort: state.grpc.port,
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  child.kill('SIGKILL');
  throw new StepError(`The daemon was not ready after ${startMs / 1000} s (log: ${logFile}).`);
}

/** Stops it and waits until it is gone. */
export function stopDaemon({ child }) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
}
