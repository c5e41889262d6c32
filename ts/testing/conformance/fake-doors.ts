import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import {
  type GrpcDoor,
  type GrpcDoorOptions,
  startGrpcDoor,
} from '../../daemon/doors/grpc/server.ts';
import {
  type HttpAdapterName,
  type HttpDoor,
  type HttpDoorOptions,
  startHttpDoor,
} from '../../daemon/doors/http/server.ts';
import { loadUws } from '../../daemon/doors/http/uws-library.ts';
import { type IpcDoor, type IpcDoorOptions, startIpcDoor } from '../../daemon/doors/ipc/server.ts';
import { FakeDispatcher } from './fake-dispatcher.ts';

const logger = pino({ level: 'silent' });

/** The HTTP adapters that this machine has. On a Node without a uWebSockets.js binary: one. */
export const adaptersHere: readonly HttpAdapterName[] =
  typeof loadUws() === 'string' ? ['node'] : ['uwebsockets', 'node'];

/** Runs `body` with an HTTP door before a fake dispatcher, and closes it. */
export async function withHttpDoor(
  options: Partial<HttpDoorOptions>,
  body: (door: HttpDoor, dispatcher: FakeDispatcher) => Promise<void>,
): Promise<void> {
  const dispatcher = new FakeDispatcher();
  const door = await startHttpDoor({ host: '127.0.0.1', port: 0, dispatcher, logger, ...options });
  try {
    await body(door, dispatcher);
  } finally {
    await door.close({ graceMs: 200 });
  }
}

/** Runs `body` with an empty folder of its own. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-doors-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Opens an IPC door with the fake dispatcher unless told otherwise. */
export function openIpcDoor(
  options: Pick<IpcDoorOptions, 'socketPath'> & Partial<IpcDoorOptions>,
): Promise<IpcDoor> {
  return startIpcDoor({ dispatcher: new FakeDispatcher(), logger, ...options });
}

/** Runs `body` with a gRPC door, on TCP and on a Unix socket, before a fake dispatcher. */
export async function withGrpcDoor(
  options: Partial<GrpcDoorOptions>,
  body: (
    targets: Readonly<Record<'grpc-tcp' | 'grpc-unix', string>>,
    dispatcher: FakeDispatcher,
    door: GrpcDoor,
  ) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, 'grpc.sock');
    const dispatcher = new FakeDispatcher();
    const places = { tcp: { host: '127.0.0.1', port: 0 }, unix: { path, mode: 0o600 } };
    const door = await startGrpcDoor({ ...places, dispatcher, logger, ...options });
    try {
      const targets = { 'grpc-tcp': `127.0.0.1:${door.port}`, 'grpc-unix': `unix:${path}` };
      await body(targets, dispatcher, door);
    } finally {
      await door.close({ graceMs: 200 });
    }
  });
}

/** Runs `body` with an IPC door before a fake dispatcher, and closes it. */
export async function withIpcDoor(
  options: Partial<IpcDoorOptions>,
  body: (socketPath: string, dispatcher: FakeDispatcher, door: IpcDoor) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const socketPath = join(folder, 'mlos.sock');
    const dispatcher = new FakeDispatcher();
    const door = await openIpcDoor({ socketPath, dispatcher, ...options });
    try {
      await body(socketPath, dispatcher, door);
    } finally {
      await door.close({ graceMs: 200 });
    }
  });
}
