import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { smiFileDescriptor } from '../../smi/contract.ts';
import type { PluginDescriptor } from './descriptor.ts';

/**
 * What a plugin may know of the daemon's environment. Everything else (tokens above all) stays here.
 */
const passedOn = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'ROCR_VISIBLE_DEVICES',
  'OMP_NUM_THREADS',
  'MLOS_ONNX_RUNNER',
] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

function pluginEnvironment(source: Environment): Record<string, string> {
  // ONNX Runtime reports usage to its maker and leaves a device id on disk unless it is told not to.
  const environment: Record<string, string> = { ORT_DISABLE_TELEMETRY: '1' };
  for (const name of passedOn) {
    const value = source[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

export interface SpawnedPlugin {
  readonly child: ChildProcess;
  readonly socket: Socket;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/**
 * Starts a plugin's program with its end of the socket at file descriptor 3, and that of the engine's
 * control socket (which stays the caller's, too) at 4. It leads a process group
 * of its own: a Ctrl-C in the daemon's terminal does not reach it, and a kill reaches its children.
 */
export function spawnPlugin(
  descriptor: PluginDescriptor,
  source: Environment,
  engineFd: number | null,
): SpawnedPlugin {
  const [program = '', ...args] = descriptor.command;
  const child = spawn(program, args, {
    cwd: descriptor.folder,
    env: pluginEnvironment(source),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', engineFd ?? 'ignore'],
    detached: true,
  });
  // Without descriptors left, Node reports the failure by this event and makes no pipes.
  child.once('error', () => undefined);
  const streams = (child.stdio ?? []) as unknown as readonly (Readable & Socket)[];
  const [, stdout, stderr] = streams;
  const socket = streams[smiFileDescriptor];
  if (stdout === undefined || stderr === undefined || socket === undefined) {
    throw new Error('The process was started without its pipes.');
  }
  return { child, socket, stdout, stderr };
}

/** SIGKILL to the whole group of a process that is not reaped yet. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It is gone already, or could not become a group leader: then the plain signal does it.
    child.kill('SIGKILL');
  }
}

/** SIGKILL to what a plugin started and left behind. Called in the very turn in which it was reaped. */
export function killOrphans(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // The usual case: nobody is left in the group.
  }
}
