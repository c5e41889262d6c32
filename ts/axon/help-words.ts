import type { Command } from 'commander';
import { didYouMean } from '../protocol/nearest.ts';
import { AxonError } from './axon-error.ts';

/**
 * What a command line that asks for help stands for: nothing at all is `--help`, and `help install` is
 * `install --help`. Commander itself answers `help` with an unknown name as if the name were not there.
 */
export function helpWords(program: Command, argv: readonly string[]): readonly string[] {
  if (argv.length === 0) return ['--help'];
  let command = program;
  for (const [at, word] of argv.entries()) {
    if (command.commands.length === 0) return argv;
    if (word === 'help') {
      const before = argv.slice(0, at);
      const names = argv.slice(at + 1).filter((name) => !name.startsWith('-'));
      requireCommand(command, ['axon', ...before], names);
      return [...before, ...names, '--help'];
    }
    const next = find(command, word);
    if (next === undefined) return argv;
    command = next;
  }
  return argv;
}

function requireCommand(
  from: Command,
  above: readonly string[],
  [name, ...more]: readonly string[],
): void {
  if (name === undefined) return;
  const path = above.join(' ');
  const next = find(from, name);
  if (next !== undefined) {
    requireCommand(next, [...above, name], more);
    return;
  }
  const names = from.commands.flatMap((one) => [one.name(), ...one.aliases()]);
  const choice =
    names.length === 0
      ? `\`${path}\` has no commands of its own.`
      : `\`${path} --help\` lists all.`;
  throw new AxonError(
    'USAGE',
    `There is no command \`${path} ${name}\`.${didYouMean(name, names)} ${choice}`,
  );
}

function find(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}
