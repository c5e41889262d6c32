import { importable } from '../install/import.ts';
import { type InstallFlags, type InstallResult, readInstallFlags } from '../install/options.ts';
import {
  type AddCommand,
  allowCodeWords,
  allowPickleWords,
  type JsonFlag,
  withExample,
} from './command.ts';
import { forEachModel } from './several.ts';

type Flags = JsonFlag & Pick<InstallFlags, 'allowPickle' | 'allowCode' | 'force'>;

export const addImport: AddCommand = (program, run) => {
  withExample(
    program
      .command('import <file>')
      .description('install all models of a bundle, an .axon package, or the folder of one')
      .option('--allow-pickle', allowPickleWords)
      .option('--allow-code', allowCodeWords)
      .option('--force', 'replace what is installed'),
    'axon import models.tar',
    'axon import ./layout',
  ).action((file: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const models = await importable(file, context);
      const options = readInstallFlags(flags);
      const lines = ({ id, status }: InstallResult) => [
        status === 'installed'
          ? `${context.output.paint('green', 'Installed')} ${id}`
          : `${id} is already installed.`,
      ];
      await forEachModel(
        [...models.keys()],
        { done: 'installed', key: 'installed' },
        context,
        async (name) => {
          const bring = models.get(name);
          if (bring === undefined) throw new Error(`no model ${name}`);
          return bring(options);
        },
        lines,
      );
    }),
  );
};
