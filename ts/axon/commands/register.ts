import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { Daemon } from '../register/daemon.ts';
import { registerModel, registrationLines } from '../register/register.ts';
import { listInstalled } from '../store/catalog.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';
import { forEachModel } from './several.ts';

interface Flags extends JsonFlag {
  readonly all?: boolean;
  readonly upload?: boolean;
  readonly endpoint?: string;
}

export const addRegister: AddCommand = (program, run) => {
  withExample(
    program
      .command('register [id...]')
      .description('tell the MLOS daemon about installed models')
      .option('--all', 'every model that is installed')
      .option('--upload', 'send the files although the daemon could read them here')
      .option('--endpoint <url>', 'the daemon (else MLOS_CORE_ENDPOINT, else mlos.endpoint)'),
    'axon register hf/org/model@latest',
    'axon register --all --endpoint http://gpu-host:8080',
  ).action((ids: string[], flags: Flags) =>
    run(flags.json === true, (context) => {
      const daemon = new Daemon(flags.endpoint ?? null, context);
      return forEachModel(
        chosen(ids, flags.all === true, context),
        { done: 'registered', key: 'registered' },
        context,
        (id) => registerModel(id, daemon, context, { upload: flags.upload === true, load: true }),
        registrationLines,
      );
    }),
  );
};

function chosen(ids: readonly string[], all: boolean, { layout }: Context): readonly string[] {
  if (!all && ids.length === 0)
    throw new AxonError('USAGE', 'Name the models to register, or take --all.');
  if (!all) return [...new Set(ids)];
  if (ids.length > 0) throw new AxonError('USAGE', 'Name the models or take --all, not both.');
  const installed = listInstalled(layout).map(({ id }) => formatModelId(id));
  if (installed.length > 0) return installed;
  throw new AxonError(
    'NOT_INSTALLED',
    'No models are installed. `axon install hf/<org>/<model>` brings one.',
  );
}
