import { formatModelId } from '../../protocol/model-id.ts';
import { Daemon } from '../register/daemon.ts';
import { findInstalled } from '../store/catalog.ts';
import { parseTypedId } from '../store/typed-id.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';
import { forEachModel } from './several.ts';

interface Flags extends JsonFlag {
  readonly endpoint?: string;
}

export const addUnregister: AddCommand = (program, run) => {
  withExample(
    program
      .command('unregister <id...>')
      .description('let the MLOS daemon forget models; what is installed here stays')
      .option('--endpoint <url>', 'the daemon (else MLOS_CORE_ENDPOINT, else mlos.endpoint)'),
    'axon unregister hf/org/model@latest',
  ).action((ids: string[], flags: Flags) =>
    run(flags.json === true, (context) => {
      const daemon = new Daemon(flags.endpoint ?? null, context);
      return forEachModel(
        [...new Set(ids)],
        { done: 'unregistered', key: 'unregistered' },
        context,
        async (text) => {
          // The daemon may have what is not installed here.
          const known = findInstalled(context.layout, text);
          const id = formatModelId(known?.id ?? parseTypedId(text));
          await daemon.call('models.unregister', { model_id: id });
          return id;
        },
        (id) => [`Unregistered ${id}`],
      );
    }),
  );
};
