import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { formatNames } from '../formats/file-kinds.ts';
import { installDependencies } from '../install/dependencies.ts';
import { install } from '../install/install.ts';
import { type InstallFlags, type InstallResult, readInstallFlags } from '../install/options.ts';
import { Daemon } from '../register/daemon.ts';
import { type Registration, registerModel, registrationLines } from '../register/register.ts';
import { dryRunLines } from '../render/dry-run.ts';
import { formatBytes, formatCount } from '../render/format.ts';
import {
  type AddCommand,
  allowCodeWords,
  allowPickleWords,
  collect,
  type JsonFlag,
  withExample,
} from './command.ts';

interface Flags extends InstallFlags, JsonFlag {
  readonly register?: boolean;
  readonly endpoint?: string;
}

export const addInstall: AddCommand = (program, run) => {
  withExample(
    program
      .command('install <source>')
      .alias('pull')
      .description(
        'bring a model here: from a hub, an address, a file, a folder or an .axon package',
      )
      .option('--as <ns/name@version>', 'install under this id')
      .option('--include <glob>', 'take exactly the files that match (repeatable)', collect)
      .option('--exclude <glob>', 'leave out the files that match (repeatable)', collect)
      .option('--all', 'take every file')
      .option('-f, --format <format>', `auto, ${formatNames.join(', ')}`)
      .option('--variant <variant>', 'which variant, such as q4 or Q4_K_M')
      .option('--allow-pickle', allowPickleWords)
      .option('--allow-code', allowCodeWords)
      .option('--force', 'fetch again and replace what is installed')
      .option('--dry-run', 'show what would come, change nothing')
      .option('--register', 'tell the daemon about it afterwards')
      .option('--no-register', 'do not, although register.auto is set')
      .option('--endpoint <url>', 'the daemon, with --register'),
    'axon install hf/org/model@latest',
    'axon install npm/@scope/package@1.2.3 --include "assets/*.onnx" --as ocr/rec@1.2.3',
    'axon install ./model.onnx --as my/model@1 --register',
  ).action((source: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const result = await install(source, readInstallFlags(flags), context);
      const needed =
        result.status === 'would-install' ? [] : await installDependencies(result.id, context);
      const registration =
        result.status === 'would-install' ? null : await registered(result.id, flags, context);
      context.output.result(
        {
          ...result,
          ...(needed.length === 0 ? {} : { dependencies: needed }),
          ...(registration === null ? {} : { registration }),
        },
        lines(result, registration, context),
      );
    }),
  );
};

/** Asked for, it must succeed. The model is installed all the same, and by configuration that is all. */
async function registered(
  id: string,
  flags: Flags,
  context: Context,
): Promise<Registration | null> {
  const asked = flags.register ?? context.settings.get('register.auto') === true;
  if (!asked) return null;
  try {
    return await registerModel(id, new Daemon(flags.endpoint ?? null, context), context);
  } catch (thrown) {
    context.signal.throwIfAborted();
    const { message, code, details } = AxonError.from(thrown);
    const told = `${id} is installed, but was not registered: ${message}`;
    const then = `Then: axon register ${id}`;
    if (flags.register === true)
      throw new AxonError(code, `${told} ${then}`, {
        details: { ...details, installed: id },
        cause: thrown,
      });
    context.output.warn(`${told} [${code}] ${then}`);
    return null;
  }
}

function lines(
  result: InstallResult,
  registration: Registration | null,
  { output }: Context,
): string[] {
  const { status, id, files, bytes, source } = result;
  const pinned = source?.revision ? ` (${source.revision})` : '';
  const size = `${formatCount(files.length, 'file')}, ${formatBytes(bytes)}`;
  if (status === 'would-install') return dryRunLines(result, output);
  if (status === 'already-installed')
    return [
      `${id}${pinned} is already installed. --force fetches it again.`,
      ...next(registration, result),
    ];
  return [
    `${output.paint('green', 'Installed')} ${output.paint('bold', id)}${pinned}: ${size}`,
    `  ${result.path}`,
    ...next(registration, result),
  ];
}

function next(registration: Registration | null, { id, hint }: InstallResult): string[] {
  if (registration !== null) return registrationLines(registration);
  return [hint ?? `Next: axon register ${id}`];
}
