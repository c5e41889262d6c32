import { createInterface } from 'node:readline/promises';
import type { Context } from '../context.ts';

/** Asks on a terminal; where there is none, nobody agrees. */
export async function confirm(
  question: string,
  { stdin, output, signal }: Context,
): Promise<boolean> {
  if (output.json || (stdin as Partial<NodeJS.ReadStream>).isTTY !== true) return false;
  output.note(`${question} [y/N]`);
  const lines = createInterface({ input: stdin });
  try {
    return /^\s*y(es)?\s*$/i.test(await lines.question('', { signal }));
  } finally {
    lines.close();
  }
}
