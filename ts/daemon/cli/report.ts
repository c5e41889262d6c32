import { NativeError } from '../../native/native-error.ts';
import { MlosError } from '../../protocol/errors.ts';
import { NotRunning } from './running.ts';

/** As systemctl answers where nothing runs. */
export const notRunningCode = 3;

/** One sentence on standard error; the exit code. Stack traces are for our own faults only. */
export function reportCliError(thrown: unknown): number {
  // The host refused something (no addon, no such process, no right): its message says it all.
  if (thrown instanceof NativeError) {
    process.stderr.write(`mlos: ${thrown.message}\n`);
    return 1;
  }
  const error = MlosError.from(thrown);
  if (process.argv.includes('--json')) {
    printJson({ status: 'error', ...error.toWire() });
    return exitCodeOf(error);
  }
  process.stderr.write(`mlos: ${error.message}\n`);
  if (error.code === 'INTERNAL' && error.cause instanceof Error) {
    process.stderr.write(`${error.cause.stack ?? ''}\n`);
  }
  return exitCodeOf(error);
}

function exitCodeOf(error: MlosError): number {
  return error instanceof NotRunning ? notRunningCode : 1;
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
