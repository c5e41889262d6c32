import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { type Registration, registerModel, registrationLines } from '../register/register.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly endpoint?: string;
}

export const addRegister: AddCommand = (program, run) => {
  withExample(
    program
      .command('register <id...>')
      .description('tell the MLOS daemon about installed models')
      .option('--endpoint <url>', 'the daemon (else MLOS_CORE_ENDPOINT, else mlos.endpoint)'),
    'axon register hf/org/model@latest',
  ).action((ids: string[], flags: Flags) =>
    run(flags.json === true, (context) => registerAll(ids, flags.endpoint ?? null, context)),
  );
};

/** One that fails does not keep the others back, unless there is no daemon at all. */
async function registerAll(ids: readonly string[], endpoint: string | null, context: Context) {
  const registered: Registration[] = [];
  const failed: { id: string; error: AxonError }[] = [];
  for (const id of ids) {
    try {
      registered.push(await registerModel(id, endpoint, context));
    } catch (thrown) {
      const error = AxonError.from(thrown);
      if (error.code === 'DAEMON_UNREACHABLE' || ids.length === 1) throw error;
      failed.push({ id, error });
    }
  }
  const [first] = failed;
  if (first === undefined) {
    context.output.result({ registered }, registered.flatMap(registrationLines));
    return;
  }
  if (!context.output.json) context.output.result({}, registered.flatMap(registrationLines));
  const reasons = failed.map(({ id, error }) => `${id}: ${error.message}`);
  throw new AxonError(
    first.error.code,
    `${failed.length} of ${ids.length} models were not registered. ${reasons.join(' ')}`,
    {
      details: { registered: registered.map(({ id }) => id), failed: failed.map(({ id }) => id) },
      cause: first.error,
    },
  );
}
