import type { Argument, Command, Option } from 'commander';
import { argumentKinds } from '../commands/arguments.ts';
import type { Candidates } from './candidates.ts';

/*
 * What a shell may put where the cursor is, read from the program itself: verbs, flags, values. The last
 * word is the one being typed. Answers are whole words; a line that begins with `:` says how the shell
 * goes on (`:files`: names of files too; `:nospace`: no blank after the word).
 */
export async function complete(
  program: Command,
  words: readonly string[],
  candidates: Candidates,
): Promise<readonly string[]> {
  const typed = words.at(-1) ?? '';
  const { command, positionals, awaits } = walk(program, words.slice(0, -1));
  const found = new Answer(typed);
  if (awaits !== null) await addValues(found, awaits, candidates);
  else if (typed.startsWith('-') && !typed.includes('=')) addFlags(found, command);
  else if (typed.startsWith('-')) await addFlagValue(found, command, candidates);
  else if (positionals === 0 && command.commands.length > 0) addVerbs(found, command);
  else {
    const argument = argumentAt(command, positionals);
    if (argument !== undefined) await addValues(found, argument, candidates);
  }
  return found.lines();
}

class Answer {
  readonly #typed: string;
  readonly #words = new Set<string>();
  readonly #directives = new Set<string>();

  constructor(typed: string) {
    this.#typed = typed;
  }

  get typed(): string {
    return this.#typed;
  }

  add(words: Iterable<string>, prefix = ''): void {
    for (const word of words)
      if (`${prefix}${word}`.startsWith(this.#typed)) this.#words.add(`${prefix}${word}`);
  }

  direct(directive: string): void {
    this.#directives.add(directive);
  }

  lines(): string[] {
    const words = [...this.#words].sort();
    // After `hf/` the name of the model follows, not the next word.
    const open = words.length > 0 && words.every((word) => word.endsWith('/'));
    return [...words, ...this.#directives, ...(open ? [':nospace'] : [])];
  }
}

interface Place {
  readonly command: Command;
  /** How many words of the command itself stand before the cursor. */
  readonly positionals: number;
  /** The flag whose value is being typed. */
  readonly awaits: Option | null;
}

function walk(program: Command, before: readonly string[]): Place {
  let place: Place = { command: program, positionals: 0, awaits: null };
  for (const word of before) place = step(place, word);
  return place;
}

function step({ command, positionals, awaits }: Place, word: string): Place {
  if (awaits !== null) return { command, positionals, awaits: null };
  if (word.startsWith('-') && word !== '-') {
    const option = flagOf(command, word);
    const takesValue = option?.required === true || option?.optional === true;
    return { command, positionals, awaits: takesValue ? (option ?? null) : null };
  }
  const next = positionals === 0 ? child(command, word) : undefined;
  if (next !== undefined) return { command: next, positionals: 0, awaits: null };
  return { command, positionals: positionals + 1, awaits: null };
}

function flagOf(command: Command, word: string): Option | undefined {
  return command.options.find(({ short, long }) => word === short || word === long);
}

function child(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  return registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

function addVerbs(found: Answer, command: Command): void {
  const help = command.createHelp();
  const verbs = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  found.add(verbs.flatMap((one) => [one.name(), ...one.aliases()]));
}

function addFlags(found: Answer, command: Command): void {
  const flags = command.createHelp().visibleOptions(command);
  found.add(flags.flatMap((option) => option.long ?? option.short ?? []));
}

async function addFlagValue(found: Answer, command: Command, all: Candidates): Promise<void> {
  const flag = found.typed.slice(0, found.typed.indexOf('='));
  const option = flagOf(command, flag);
  if (option !== undefined) await addValues(found, option, all, `${flag}=`);
}

/** The word in `<…>` of a flag names its kind, as that of an argument does. */
function kindOf(place: Argument | Option): string {
  return 'flags' in place ? (/[<[]([\w-]+)/.exec(place.flags)?.[1] ?? '') : place.name();
}

async function addValues(
  found: Answer,
  place: Argument | Option,
  all: Candidates,
  prefix = '',
): Promise<void> {
  if (place.argChoices !== undefined) return found.add(place.argChoices, prefix);
  for (const kind of argumentKinds[kindOf(place)]?.candidates ?? []) {
    if (kind === 'files') found.direct(':files');
    else found.add(await all[kind](), prefix);
  }
}
