import { Command, CommanderError } from 'commander';
import { productVersion } from '../protocol/version.ts';
import { AxonError, errnoOf } from './axon-error.ts';
import { argumentKinds } from './commands/arguments.ts';
import type { AddCommand, Run } from './commands/command.ts';
import { type Context, makeContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { helpWords } from './help-words.ts';
import { Output } from './render/output.ts';
import { noProgress, type Progress } from './render/progress.ts';
import { Settings } from './settings/settings.ts';
import { namesIn } from './store/names-in.ts';

const install = async () => (await import('./commands/install.ts')).addInstall;
const list = async () => (await import('./commands/list.ts')).addList;
const update = async () => (await import('./commands/update.ts')).addUpdate;
const pin = async () => (await import('./commands/pin.ts')).addPin;
const uninstall = async () => (await import('./commands/uninstall.ts')).addUninstall;

/** In the order of the help; with the other spellings, so that those load one file, too. A command line names one of them, and only that one is loaded. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import('./commands/init.ts')).addInit,
  search: async () => (await import('./commands/search.ts')).addSearch,
  install,
  pull: install,
  list,
  ls: list,
  info: async () => (await import('./commands/info.ts')).addInfo,
  verify: async () => (await import('./commands/verify.ts')).addVerify,
  convert: async () => (await import('./commands/convert.ts')).addConvert,
  register: async () => (await import('./commands/register.ts')).addRegister,
  unregister: async () => (await import('./commands/unregister.ts')).addUnregister,
  publish: async () => (await import('./commands/publish.ts')).addPublish,
  run: async () => (await import('./commands/run.ts')).addRun,
  outdated: async () => (await import('./commands/outdated.ts')).addOutdated,
  update,
  upgrade: update,
  pin,
  unpin: pin,
  fsck: async () => (await import('./commands/fsck.ts')).addFsck,
  uninstall,
  remove: uninstall,
  config: async () => (await import('./commands/config.ts')).addConfig,
  registry: async () => (await import('./commands/registry.ts')).addRegistry,
  du: async () => (await import('./commands/du.ts')).addDu,
  gc: async () => (await import('./commands/gc.ts')).addGc,
  cache: async () => (await import('./commands/cache.ts')).addCache,
  validate: async () => (await import('./commands/validate.ts')).addValidate,
  pack: async () => (await import('./commands/pack.ts')).addPack,
  unpack: async () => (await import('./commands/unpack.ts')).addUnpack,
  keygen: async () => (await import('./commands/keygen.ts')).addKeygen,
  sign: async () => (await import('./commands/sign.ts')).addSign,
  export: async () => (await import('./commands/export.ts')).addExport,
  import: async () => (await import('./commands/import.ts')).addImport,
  push: async () => (await import('./commands/push.ts')).addPush,
  completion: async () => (await import('./commands/completion.ts')).addCompletion,
  version: async () => (await import('./commands/version.ts')).addVersion,
};

/** The named command, or all of them: for the help, other spellings and "did you mean". */
function commandsFor(argv: readonly string[]): Promise<readonly AddCommand[]> {
  const name = verbOf(argv);
  const loads = name === null ? Object.values(commands) : [commands[name]];
  return Promise.all([...new Set(loads)].flatMap((load) => (load === undefined ? [] : [load()])));
}

function verbOf(argv: readonly string[]): string | null {
  const [name = ''] = argv.filter((word) => !word.startsWith('-'));
  return Object.hasOwn(commands, name) ? name : null;
}

/** The world as main.ts hands it over. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** Runs one command line and gives the exit status. */
export async function runProgram(argv: readonly string[], world: World): Promise<number> {
  const { env, cwd, signal, stdin, stdout, stderr } = world;
  if (argv[0] === '__complete') return completeWords(argv.slice(1), world);
  const json = argv.includes('--json');
  const quiet = argv.includes('--quiet') || argv.includes('-q');
  const progress = await progressFor({ json, quiet }, stderr);
  const output = new Output({ json, quiet, env, stdout, stderr, progress });
  const run: Run = async (_json, work, options) => {
    const settings = await Settings[options?.wrongSettings === true ? 'read' : 'load'](env);
    const context = makeContext({ env, cwd, stdin, signal, output, settings });
    await putBackSetAside(context);
    await work(context);
  };
  try {
    const program = buildProgram(await commandsFor(argv), run, world);
    await program.parseAsync([...helpWords(program, argv)], { from: 'user' }).catch(isDone);
    requireWritten(stdout);
    return 0;
  } catch (error) {
    // A group of commands without one of them: its help stands on stderr already.
    if (error instanceof CommanderError && error.code === 'commander.help')
      return exitCodes.USAGE.exit;
    const failed =
      error instanceof CommanderError
        ? usage(error, verbOf(argv))
        : AxonError.from(signal.aborted ? abortError(error) : error);
    output.error(failed);
    return failed.exit;
  } finally {
    output.progress.stop();
  }
}

/** A help that was shown ends the parsing with an error, too. */
function isDone(error: unknown): void {
  if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
}

/** An answer that nobody can have read is no success: a full disk behind `>`, say. */
function requireWritten({ errored }: NodeJS.WriteStream): void {
  if (errored === null || errnoOf(errored) === 'EPIPE') return;
  throw new AxonError('IO_ERROR', `The answer cannot be written to stdout: ${errored.message}`, {
    cause: errored,
  });
}

/** A model that was being replaced when the one that did it was killed is there again, whatever the command. */
async function putBackSetAside({ layout, output, signal }: Context): Promise<void> {
  // Mostly there is nothing under way, and no command need start later for it.
  if (namesIn(layout.staging, () => undefined).length === 0) return;
  const { putBackAll } = await import('./store/set-aside.ts');
  await putBackAll(layout, signal, (text) => output.warn(text));
}

/** Bars on a terminal, events with --json, nothing for the rest. */
async function progressFor(
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
  stderr: NodeJS.WriteStream,
): Promise<Progress> {
  if (quiet) return noProgress;
  if (json) {
    const { eventProgress } = await import('./render/event-progress.ts');
    return eventProgress((text) => stderr.write(text));
  }
  if (stderr.isTTY !== true) return noProgress;
  return (await import('./render/terminal-progress.ts')).terminalProgress(stderr);
}

/** For the scripts of `axon completion`. Nothing that is wrong may disturb the line being typed. */
async function completeWords(words: readonly string[], world: World): Promise<number> {
  const { complete } = await import('./completion/complete.ts');
  const { candidatesOf } = await import('./completion/candidates.ts');
  try {
    const before = words.slice(0, -1);
    const program = buildProgram(await commandsFor(before), async () => undefined, world);
    const settings = await Settings.read(world.env);
    const lines = await complete(program, words, candidatesOf(settings));
    world.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  } catch (error) {
    return AxonError.from(error).exit;
  }
}

/** The program with all that it has: what the help, the completion and the page about it are made from. */
export async function wholeProgram(world: World): Promise<Command> {
  return buildProgram(await commandsFor([]), async () => undefined, world);
}

function usage(error: CommanderError, verb: string | null): AxonError {
  const help = verb === null ? 'axon --help' : `axon ${verb} --help`;
  const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return new AxonError('USAGE', `${message.replace(/\.?$/, '.')} \`${help}\` shows how.`);
}

function abortError(cause: unknown): AxonError {
  return new AxonError(
    'INTERRUPTED',
    'Interrupted. The next install continues where this stopped.',
    { cause },
  );
}

function buildProgram(adds: readonly AddCommand[], run: Run, { stdout, stderr }: World): Command {
  const program = new Command('axon')
    .description(
      'Bring machine-learning models to this machine, and tell the MLOS daemon about them.',
    )
    .version(productVersion)
    .helpCommand(true)
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `
Examples:
  $ axon install hf/org/model@latest          bring a model here, every byte checked
  $ axon register hf/org/model@latest         tell the daemon about it
  $ axon run hf/org/model@latest input.json   ask it something

Files and environment:
  ~/.axon/config.yaml      settings; \`axon config list\`
  ~/.axon/cache            models
  AXON_HOME                another folder than ~/.axon
  AXON_CACHE_DIR           another folder for the models
  MLOS_CORE_ENDPOINT       the daemon, http://localhost:8080 if unset
  HF_TOKEN, HF_ENDPOINT    a token, a mirror of Hugging Face; \`axon registry list\` shows them all
  NO_COLOR                 no colours

Exit status: 0 is done; docs/axon.md lists the others, and every error names its code.
\`axon <command> --help\` says more.`,
    );
  const strict = (command: Command) => {
    command
      .exitOverride()
      .configureHelp({ sortOptions: false })
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        writeErr: (text) => void stderr.write(text),
        // Errors are shown by Output, once.
        outputError: () => undefined,
      });
    for (const argument of command.registeredArguments)
      argument.description ||= argumentKinds[argument.name()]?.about ?? '';
    command.commands.forEach(strict);
  };
  for (const add of adds) add(program, run);
  strict(program);
  return program;
}
