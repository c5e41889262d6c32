import { Command, CommanderError } from 'commander';
import { productVersion } from '../protocol/version.ts';
import { AxonError } from './axon-error.ts';
import { addCache } from './commands/cache.ts';
import type { AddCommand, Run } from './commands/command.ts';
import { addConfig } from './commands/config.ts';
import { addInfo } from './commands/info.ts';
import { addInit } from './commands/init.ts';
import { addInstall } from './commands/install.ts';
import { addList } from './commands/list.ts';
import { addPack } from './commands/pack.ts';
import { addRegister } from './commands/register.ts';
import { addUninstall } from './commands/uninstall.ts';
import { addVerify } from './commands/verify.ts';
import { addVersion } from './commands/version.ts';
import { makeContext } from './context.ts';
import { Output } from './render/output.ts';
import { Settings } from './settings/settings.ts';

const commands: readonly AddCommand[] = [
  addInit,
  addInstall,
  addList,
  addInfo,
  addVerify,
  addRegister,
  addUninstall,
  addConfig,
  addCache,
  addPack,
  addVersion,
];

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
  const output = new Output({ json, env, stdout, stderr });
  const run: Run = async (_json, work) => {
    await work(makeContext({ env, cwd, signal, output, settings: Settings.load(env) }));
  };
  try {
    await buildProgram(run, world).parseAsync([...argv], { from: 'user' });
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

function buildProgram(run: Run, { stdout }: World): Command {
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
  for (const add of commands) add(program, run);
  strict(program);
  return program;
}
