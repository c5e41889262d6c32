import { AxonError } from '../axon-error.ts';
import { Daemon } from '../register/daemon.ts';
import { registerModel, registrationLines } from '../register/register.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly target: string;
}

/**
 * Earlier releases copied a model into the folder of the daemon on the same host. The daemon keeps that
 * folder itself now, wherever it runs, so the model is sent to it and registered.
 */
export const addPublish: AddCommand = (program, run) => {
  withExample(
    program
      .command('publish <id>')
      .description('give the MLOS daemon its own copy of a model; it is loaded when it is used')
      .option(
        '--target <host>',
        'localhost for the configured daemon, or its address',
        'localhost',
      ),
    'axon publish hf/org/model@latest',
    'axon publish hf/org/model@latest --target http://gpu-host:8080',
  ).action((id: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const daemon = new Daemon(endpointOf(flags.target), context);
      const options = { upload: true, load: false };
      const done = await registerModel(id, daemon, context, options);
      context.output.result(done, registrationLines(done));
    }),
  );
};

function endpointOf(target: string): string | null {
  if (target === 'localhost') return null;
  if (/^https?:\/\//.test(target)) return target;
  throw new AxonError(
    'USAGE',
    `The target ${JSON.stringify(target)} is no address of a daemon; write http://${target}:8080. A registry of packages takes \`axon push\`.`,
  );
}
