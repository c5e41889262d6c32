import { spawn } from 'node:child_process';
import { environmentOf, mlosProgram } from './start-daemon.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One command of `mlos` to its end, in a folder, with nothing of the machine's own settings. */
export function runMlos(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  /** Comes through standard input; nothing does where it is left out. */
  piped: Uint8Array | string | null = null,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [mlosProgram, ...args], {
      cwd: folder,
      env: { ...environmentOf(folder), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A command that does not read it ends before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(piped ?? '');
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
