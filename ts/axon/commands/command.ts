import type { Command } from 'commander';
import type { Context } from '../context.ts';

/** Runs a command's work with its context; everything it throws is shown and ends in an exit status. */
export type Run = (
  json: boolean,
  work: (context: Context) => Promise<void> | void,
  /** `wrongSettings`: not ended by what is wrong in config.yaml. */
  options?: { readonly wrongSettings: boolean },
) => Promise<void>;

/** Adds one verb to the program. */
export type AddCommand = (program: Command, run: Run) => void;

export interface JsonFlag {
  readonly json?: boolean;
}

/** What every verb has: its example, and the flags that the program itself reads (program.ts). */
export function withExample(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`).join('\n');
  return command
    .option('--json', 'one JSON document on stdout, one JSON event a line on stderr')
    .option('-q, --quiet', 'say nothing on the way: results, warnings and errors only')
    .addHelpText('after', `\nExample${examples.length > 1 ? 's' : ''}:\n${lines}`);
}

/** What --allow-pickle and --allow-code mean, whichever verb has them. */
export const allowPickleWords = 'take pickle files that could run code when they are loaded';
export const allowCodeWords = 'take programs that come with the model, such as *.py';

/** For flags that may be given more than once. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
