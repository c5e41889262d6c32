import { Command, CommanderError } from 'commander';
import { productVersion } from '../protocol/version.ts';
import { AxonError } from './axon-error.ts';
import type { AddCommand, Run } from './commands/command.ts';
import { makeContext } from './context.ts';
import { Output } from './render/output.ts';
import { noProgress } from './render/progress.ts';
import { Settings } from './settings/settings.ts';

/** In the order of the help. A command line names one of them, and only that one is loaded. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import('./commands/init.ts')).addInit,
  install: async () => (await import('./commands/install.ts')).addInstall,
  list: async () => (await import('./commands/list.ts')).addList,
  info: async () => (await import('./commands/info.ts')).addInfo,
  verify: async () => (await import('./commands/verify.ts')).addVerify,
  register: async () => (await import('./commands/register.ts')).addRegister,
  uninstall: async () => (await import('./commands/uninstall.ts')).addUninstall,
  config: async () => (await import('./commands/config.ts')).addConfig,
  cache: async () => (await import('./commands/cache.ts')).addCache,
  pack: async () => (await import('./commands/pack.ts')).addPack,
  version: async () => (await import('./commands/version.ts')).addVersion,
};

/** The named command, or all of them: for the help, other spellings and "did you mean". */
function commandsFor(argv: readonly string[]): Promise<readonly AddCommand[]> {
  const [name = ''] = argv.filter((word) => !word.startsWith('-'));
  const named = Object.hasOwn(commands, name) ? commands[name] : undefined;
  return Promise.all(
    (named === undefined ? Object.values(commands) : [named]).map((load) => load()),
  );
}

/** The world as main.ts hands it over. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** Runs one command line and gives the exit status. */
export async function runProgram(argv: readonly string[], world: World): Promise<number> {
  const { env, cwd, signal, stdout, stderr } = world;
  const json = argv.includes('--json');
  const progress =
    stderr.isTTY === true && !json
      ? (await import('./render/terminal-progress.ts')).terminalProgress(stderr)
      : noProgress;
  const output = new Output({ json, env, stdout, stderr, progress });
  const run: Run = async (_json, work) => {
    const settings = await Settings.load(env);
    await work(makeContext({ env, cwd, signal, output, settings }));
  };
  try {
    const program = buildProgram(await commandsFor(argv), run, world);
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failed =
      error instanceof CommanderError
        ? usage(error)
        : AxonError.from(signal.aborted ? abortError(error) : error);
    output.error(failed);
    return failed.exit;
  } finally {
    output.progress.stop();
  }
}

function usage(error: CommanderError): AxonError {
  if (error.code === 'commander.help')
    return new AxonError('USAGE', 'Name a command. `axon --help` lists them.');
  return new AxonError(
    'USAGE',
    `${error.message.replace(/^error: /, '').replace(/\.?$/, '.')} \`axon --help\` shows how.`,
  );
}

function abortError(cause: unknown): AxonError {
  return new AxonError(
    'INTERRUPTED',
    'Interrupted. The next install continues where this stopped.',
    { cause },
  );
}

function buildProgram(adds: readonly AddCommand[], run: Run, { stdout }: World): Command {
  const program = new Command('axon')
    .description(
      'Bring machine-learning models to this machine, and tell the MLOS daemon about them.',
    )
    .version(productVersion)
    .helpCommand(true)
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      '\nExample:\n  $ axon install ./model.onnx --as my/model@1\n  $ axon register my/model@1',
    );
  const strict = (command: Command) => {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => void stdout.write(text), writeErr: () => undefined });
    command.commands.forEach(strict);
  };
  for (const add of adds) add(program, run);
  strict(program);
  return program;
}
