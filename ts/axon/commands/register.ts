import { Daemon } from '../register/daemon.ts';
import { registerModel, registrationLines } from '../register/register.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';
import { forEachModel, namedOrAll } from './several.ts';

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
        namedOrAll(ids, flags.all === true, context),
        { done: 'registered', key: 'registered' },
        context,
        (id) => registerModel(id, daemon, context, { upload: flags.upload === true, load: true }),
        registrationLines,
      );
    }),
  );
};
