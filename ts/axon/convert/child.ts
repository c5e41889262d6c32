import { type ChildProcess, spawn } from 'node:child_process';

export interface Ended {
  readonly status: number | null;
  readonly timedOut: boolean;
  /** The last of what it wrote. */
  readonly said: string;
}

export interface ChildOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const saidBytes = 16 * 1024;

/** Runs a program in a process group of its own, so that all of it ends with the time or the user's patience. */
export function runChild(
  file: string,
  args: readonly string[],
  { cwd, env, limitMs, signal }: ChildOptions,
): Promise<Ended> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const hear = (text: string) => {
      said = (said + text).slice(-saidBytes);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, limitMs);
    const onAbort = () => killGroup(child);
    signal.addEventListener('abort', onAbort, { once: true });
    const end = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    child.once('error', (error) => end(() => reject(error)));
    child.once('close', (status) =>
      end(() => (signal.aborted ? reject(signal.reason) : resolve({ status, timedOut, said }))),
    );
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
