import { connect, type Socket } from 'node:net';
import { descriptorOf, peerCredentials } from '../../native/fd-socket.ts';
import { PidFd } from '../../native/pidfd.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type CommonOptions, configOf } from './options.ts';
import { print } from './report.ts';
import { daemonOfFolder, NotRunning, namedSocket } from './running.ts';

/** Drain, plugin stop and some slack. */
const patienceMs = limits.drainMs + limits.pluginStopMs + 3_000;

function connected(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') {
        reject(new MlosError('PERMISSION_DENIED', `This user may not connect to ${socketPath}.`));
      } else reject(NotRunning.atSocket(socketPath, error));
    });
  });
}

/** Who listens there by the kernel's word: a listener that names another's pid must not get it killed. */
async function listenerOf(socketPath: string): Promise<PidFd> {
  const socket = await connected(socketPath);
  try {
    const { pid } = peerCredentials(descriptorOf(socket));
    if (pid !== null) return PidFd.open(pid);
    throw new MlosError(
      'FAILED_PRECONDITION',
      `The daemon at ${socketPath} runs where this process cannot see it, such as in another container. Stop it there.`,
    );
  } finally {
    socket.destroy();
  }
}

async function daemonProcess(options: CommonOptions): Promise<PidFd> {
  const config = await configOf(options);
  const named = namedSocket(config);
  return named === null ? PidFd.open(daemonOfFolder(config).pid) : listenerOf(named);
}

/** Asks the daemon to stop and waits until it is gone. */
export async function stop(options: CommonOptions): Promise<number> {
  const process = await daemonProcess(options);
  const { pid } = process;
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new MlosError(
            'DEADLINE_EXCEEDED',
            `The daemon (pid ${pid}) has not stopped within ${patienceMs / 1000} s. A second SIGTERM ends it at once: kill ${pid}.`,
          ),
        );
      }, patienceMs);
      process.onExit(() => {
        clearTimeout(timer);
        resolve();
      });
      process.signal('SIGTERM');
    });
  } finally {
    process.close();
  }
  print(`Stopped the daemon (pid ${pid}).`);
  return 0;
}
