import { fork, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDaemon, stopDaemon } from '../scripts/quickstart/daemon.mjs';

/**
 * Starts `servers/*.mjs` or `clients/*.mjs` in a process of its own. The first message from it is
 * `ready`; after that each `ask` gets one answer.
 */
export async function startProcess(file, facts = {}) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  // Node's channel to a child is lines of JSON on a socket, which any language can speak.
  const program = file.endsWith('.py') ? { execPath: python, execArgv: [] } : {};
  const child = fork(path, [JSON.stringify(facts)], program);
  const next = () =>
    new Promise((resolve, reject) => {
      const onExit = (code, signal) => reject(new Error(`${file} ended (${signal ?? code})`));
      child.once('exit', onExit);
      child.once('message', (message) => {
        child.off('exit', onExit);
        if (message.error === undefined) resolve(message);
        else reject(new Error(`${file}: ${message.error}`));
      });
    });
  const ready = await next();
  return {
    pid: child.pid,
    ready,
    ask(question) {
      const answer = next();
      child.send(question);
      return answer;
    },
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

const python = process.env.PYTHON ?? 'python3';

/** Whether there is a Python that the package `mlos` can run in. */
export function hasPython() {
  return spawnSync(python, ['-c', 'import numpy'], { stdio: 'ignore' }).status === 0;
}

/** Whether there is a Python that has FastAPI, uvicorn and onnxruntime. */
export function hasFastApi() {
  const modules = 'import fastapi, uvicorn, onnxruntime';
  return spawnSync(python, ['-c', modules], { stdio: 'ignore' }).status === 0;
}

/** A daemon with folders and doors of its own, one intra-op thread, and quiet; gRPC also on a Unix socket. */
export function startBenchDaemon() {
  return startQuietDaemon({ MLOS_INFERENCE_INTRA_OP_THREADS: '1' });
}

/** The same with as many threads as it takes by itself. */
export async function startQuietDaemon(more = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'mlos-bench-'));
  const grpcSocketPath = join(folder, 'grpc.sock');
  const settings = {
    ...more,
    MLOS_LOGGING_LEVEL: 'warn',
    MLOS_API_GRPC_SOCKET_PATH: grpcSocketPath,
  };
  const before = { ...process.env };
  Object.assign(process.env, settings); // The daemon inherits it; put back below.
  try {
    const daemon = await startDaemon({ folder, port: 0, socketPath: join(folder, 'mlos.sock') });
    return {
      pid: daemon.child.pid,
      endpoint: daemon.endpoint,
      port: Number(new URL(daemon.endpoint).port),
      socketPath: daemon.socketPath,
      grpcPort: daemon.grpcPort,
      grpcSocketPath,
      folder,
      async stop() {
        await stopDaemon(daemon);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } finally {
    for (const name of Object.keys(settings)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

/** Runs `body` with what `start` gives, and stops it however that ends. */
export async function using(starts, body) {
  const started = [];
  try {
    for (const start of starts) started.push(await start());
    return await body(...started);
  } finally {
    await Promise.all(started.map((one) => one.stop()));
  }
}
