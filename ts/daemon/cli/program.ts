import { Command, CommanderError, Option } from 'commander';
import { productVersion } from '../../protocol/version.ts';
import { addPlaceOptions, addServeOptions, type CommonOptions, collect } from './options.ts';

type Action = (
  options: CommonOptions & { readonly json?: boolean },
  ...args: string[]
) => Promise<number>;

/** The command line of `mlos`. Each command is one file, loaded when it is asked for. */
export function buildProgram(): { run(argv: readonly string[]): Promise<number> } {
  let exitCode = 0;
  const program = new Command('mlos')
    .description('One daemon that runs every local model for every local app.')
    .version(productVersion, '-v, --version')
    .exitOverride()
    .showSuggestionAfterError();

  /** Commander passes positional arguments first, then the options and the command. */
  function action(load: () => Promise<Action>) {
    return async (...values: unknown[]): Promise<void> => {
      const command = values.at(-1) as Command;
      // A list of arguments comes as one value.
      const args = values
        .slice(0, -2)
        .flat()
        .filter((value) => value !== undefined);
      exitCode = await (await load())(command.optsWithGlobals(), ...(args as string[]));
    };
  }

  addServeOptions(program.command('serve'))
    .description('run the daemon in the foreground')
    .action(action(async () => (await import('./serve.ts')).serve));
  addPlaceOptions(program.command('status'))
    .description('what runs: doors, plugins, models, counters')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./status.ts')).status));
  addPlaceOptions(program.command('top'))
    .description('queues, batches, times and cores, live; q ends it')
    .option('--once', 'one second, then the end')
    .option('--json', 'as JSON, one value a second')
    .action(action(async () => (await import('./top.ts')).top));
  addPlaceOptions(program.command('stop'))
    .description('stop the daemon; accepted requests are finished first')
    .action(action(async () => (await import('./stop.ts')).stop));
  addServeOptions(program.command('config'))
    .description('the effective configuration and where each value comes from')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./config.ts')).config));
  addPlaceOptions(program.command('devices'))
    .description('CPUs, memory and GPUs of this host; needs no daemon')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./devices.ts')).devices));
  addRun(program, action);
  addModels(program, action);
  addPlugins(program, action);
  addChannels(program, action);

  return {
    async run(argv) {
      try {
        await program.parseAsync([...argv]);
        return exitCode;
      } catch (error) {
        // Commander has printed help or its own message; 2 is the code of wrong usage.
        if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
        throw error;
      }
    },
  };
}

type Wrap = (load: () => Promise<Action>) => (...values: unknown[]) => Promise<void>;

function addRun(program: Command, action: Wrap): void {
  addPlaceOptions(program.command('run <model> [input...]'))
    .description("ask a model what its task is for: words, a file's path, or standard input")
    .option('--task <task>', 'which one, of a model that can do several')
    .addOption(
      new Option(
        '--param <name=value>',
        'a parameter or input of the task; @file reads a file; repeatable',
      ).argParser(collect),
    )
    .option('--image <file>', 'a picture')
    .option('--audio <file>', 'a recording')
    .option('--json', 'the whole answer, as JSON')
    .action(action(async () => (await import('./run/run.ts')).run));
}

function addModels(program: Command, action: Wrap): void {
  const models = program.command('models').description('registered models');
  addPlaceOptions(models.command('list', { isDefault: true }))
    .description('all models with their states')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./models.ts')).listModels));
  addPlaceOptions(models.command('register <model> <path>'))
    .description('register the model of a package folder or model file, and load it')
    .option('--plugin <plugin>', 'the plugin that is to run it; chosen by format where left out')
    .option('--isolation <kind>', "plugin: in its plugin's process; model: in one of its own")
    .addOption(
      new Option(
        '--engine <key=value>',
        'how its engine runs it, such as priority=high; repeatable',
      ).argParser(collect),
    )
    .option('--no-load', 'only register; the first request loads it')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./models.ts')).registerModel));
  for (const [verb, text] of [
    ['show', 'one model: signature, files, and which plugin runs it and why'],
    ['load', 'load a model now'],
    ['unload', 'free a loaded model'],
    ['unregister', 'forget a model; its files stay'],
  ] as const) {
    addPlaceOptions(models.command(`${verb} <model>`))
      .description(text)
      .option('--json', 'as JSON')
      .action(action(async () => (await import('./models.ts')).modelCommand(verb)));
  }
}

function addPlugins(program: Command, action: Wrap): void {
  const plugins = program.command('plugins').description('registered plugins');
  addPlaceOptions(plugins.command('list', { isDefault: true }))
    .description('all plugins with their states')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./plugins.ts')).listPlugins));
  for (const [verb, argument, text] of [
    ['show', 'plugin', 'one plugin with its processes'],
    ['register', 'folder', 'register the plugin of a folder with a plugin.yaml'],
    ['load', 'plugin', "start the plugin's process now"],
    ['unload', 'plugin', "stop the plugin's process"],
    ['unregister', 'plugin', 'forget a plugin that was registered'],
  ] as const) {
    addPlaceOptions(plugins.command(`${verb} <${argument}>`))
      .description(text)
      .option('--json', 'as JSON')
      .action(action(async () => (await import('./plugins.ts')).pluginCommand(verb)));
  }
}

function addChannels(program: Command, action: Wrap): void {
  const channels = program.command('channels').description('channels of attached apps');
  addPlaceOptions(channels.command('list', { isDefault: true }))
    .description('all channels, with the processes that they belong to')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./channels.ts')).listChannels));
  addPlaceOptions(channels.command('revoke <channel>'))
    .description('take a channel away; its app gets PERMISSION_DENIED')
    .option('--json', 'as JSON')
    .action(action(async () => (await import('./channels.ts')).revokeChannel));
}
