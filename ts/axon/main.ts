#!/usr/bin/env node
import process from 'node:process';
import { runProgram } from './program.ts';

/* The only place that reads argv, handles signals and sets the exit status. */
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Asked twice: no more patience. Nothing visible is half-made at any time.
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  });
}
// `axon list | head` closes the pipe early; that is no fault. Any other error the program tells at its end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});
// There is nobody left to tell.
process.stderr.on('error', () => undefined);

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: abort.signal,
});
