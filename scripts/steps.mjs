import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends a script with one sentence for the person at the terminal. */
export class StepError extends Error {}

/**
 * Runs a program and resolves when it succeeded. `quiet` keeps its output for the error only.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, env?: Record<string, string>, failure?: string, cwd?: string }} [options]
 */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: options.quiet === true ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    });
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => {
      const why = error.code === 'ENOENT' ? 'is not installed' : error.message;
      reject(new StepError(options.failure ?? `${program} ${why}.`));
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(output).toString());
      if (options.quiet === true) process.stderr.write(Buffer.concat(output).toString());
      const how = signal === null ? `exit code ${code}` : signal;
      reject(new StepError(options.failure ?? `${program} ${args.join(' ')} failed (${how}).`));
    });
  });
}

/**
 * The body of a script: prints the sentence of a StepError, and its stack for anything else.
 * @param {() => Promise<void>} body
 */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    process.stderr.write(`${error instanceof StepError ? `✗ ${error.message}` : error.stack}\n`);
    process.exitCode = 1;
  }
}

/** True where this file was started, not imported. */
export function isMain(url) {
  return process.argv[1] === fileURLToPath(url);
}
