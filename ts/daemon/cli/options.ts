import { type Command, Option } from 'commander';
import { MlosError } from '../../protocol/errors.ts';
import { quoted } from '../../protocol/shell-word.ts';
import { type Config, loadConfig } from '../config/config.ts';

/** Options that every command shares: where the daemon is and how it is set up. */
export interface CommonOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly socket?: string;
  readonly httpPort?: string;
  readonly httpHost?: string;
  readonly grpcPort?: string;
  readonly http?: boolean;
  readonly grpc?: boolean;
  readonly ipc?: boolean;
  readonly logLevel?: string;
  readonly set?: readonly string[];
}

/** Values of a repeatable option. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Options that say which daemon is meant. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (default: mlos-core.yaml, if there is one)')
    .option('--data-dir <folder>', 'folder of the registry and the lock')
    .option('-s, --socket <path>', 'Unix socket')
    .addOption(new Option('--set <key=value>', 'any setting, repeatable').argParser(collect));
}

/** The same options once more, for a command that is shown to be pasted. */
export function placeArguments({ config, dataDir, socket }: CommonOptions): string {
  const given = { '-c': config, '--data-dir': dataDir, '-s': socket };
  return Object.entries(given)
    .map(([name, value]) => (value === undefined ? '' : ` ${name} ${shellWord(value)}`))
    .join('');
}

function shellWord(text: string): string {
  return /^[\w./:@=+-]+$/.test(text) ? text : quoted(text);
}

/** Options that set up a daemon. */
export function addServeOptions(command: Command): Command {
  return addPlaceOptions(command)
    .option('-p, --http-port <port>', 'HTTP port; 0 takes any free one')
    .option('--http-host <address>', 'address to listen on')
    .option('-g, --grpc-port <port>', 'gRPC port; 0 takes any free one')
    .option('--no-http', 'no HTTP door')
    .option('--no-grpc', 'no gRPC door')
    .option('--no-ipc', 'no Unix socket')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal, silent');
}

function settings(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at <= 0) {
        throw new MlosError('INVALID_ARGUMENT', `--set ${pair}: expected key=value.`);
      }
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** The effective configuration of a command. The only reader of the environment in the daemon. */
export function configOf(options: CommonOptions): Promise<Config> {
  return loadConfig({
    file: options.config,
    environment: process.env,
    workingDirectory: process.cwd(),
    flags: {
      'core.data_dir': options.dataDir,
      'api.ipc.socket_path': options.socket,
      'api.http.port': options.httpPort,
      'api.http.host': options.httpHost,
      'api.grpc.port': options.grpcPort,
      // commander sets these to true unless --no-… is given; only the refusal is a setting.
      'api.http.enabled': options.http === false ? false : undefined,
      'api.grpc.enabled': options.grpc === false ? false : undefined,
      'api.ipc.enabled': options.ipc === false ? false : undefined,
      'logging.level': options.logLevel,
      ...settings(options.set ?? []),
    },
  });
}
