import path from 'node:path';
import { makeKeys } from '../package/keys.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly output?: string;
}

export const addKeygen: AddCommand = (program, run) => {
  withExample(
    program
      .command('keygen')
      .description('make a pair of keys to sign packages with')
      .option('-o, --output <name>', 'name of the two files, without .pem', 'axon-key'),
    'axon keygen -o release',
    'axon sign my/model@1 --key release.pem',
    'axon config set security.trusted_keys /etc/axon/release.pub.pem',
  ).action((flags: Flags) =>
    run(flags.json === true, ({ cwd, output }) => {
      const name = path.resolve(cwd, flags.output ?? 'axon-key');
      const [secret, open] = [`${name}.pem`, `${name}.pub.pem`];
      const { id } = makeKeys(secret, open);
      output.result({ key_id: id, private_key: secret, public_key: open }, [
        `Key ${id}`,
        `  ${secret}   keep it secret: whoever has it signs as you`,
        `  ${open}   give it to those who shall trust you`,
      ]);
    }),
  );
};
