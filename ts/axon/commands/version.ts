import { productVersion } from '../../protocol/version.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addVersion: AddCommand = (program, run) => {
  withExample(program.command('version').description('which axon this is'), 'axon version').action(
    (flags: JsonFlag) =>
      run(flags.json === true, ({ output }) => {
        const facts = {
          axon: productVersion,
          node: process.versions.node,
          platform: process.platform,
          arch: process.arch,
        };
        output.result(facts, [
          `axon ${facts.axon} (Node ${facts.node}, ${facts.platform}-${facts.arch})`,
        ]);
      }),
  );
};
