import fs from 'node:fs';
import path from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { limits } from '../../protocol/limits.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';

type Inputs = Readonly<Record<string, unknown>>;

/** The inputs that a command line gives: a file, `-` for stdin, or the JSON itself; null for none. */
export async function readInput(
  file: string | null,
  data: string | null,
  { cwd, stdin }: Context,
): Promise<Inputs | null> {
  if (file !== null && data !== null)
    throw new AxonError('USAGE', 'Give the inputs as a file or with --data, not both.');
  if (data !== null) return parse(data, '--data');
  if (file === null) return null;
  if (file === '-') return parse(await readStream(stdin), 'stdin');
  const full = path.resolve(cwd, file);
  const { size } = fs.statSync(full);
  if (size > limits.httpBodyBytes)
    throw new AxonError(
      'USAGE',
      `${file} has ${size} bytes; the daemon takes at most ${limits.httpBodyBytes} in one request.`,
    );
  return parse(fs.readFileSync(full, 'utf8'), file);
}

function parse(text: string, what: string): Inputs {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AxonError('USAGE', `${what} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Inputs;
  throw new AxonError(
    'USAGE',
    `${what} must be a JSON object of inputs, such as {"input_ids": [[101, 102]]}.`,
  );
}
