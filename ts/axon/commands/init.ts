import { makeFolder } from '../../protocol/make-folder.ts';
import { beginSettings } from '../settings/change-settings.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addInit: AddCommand = (program, run) => {
  withExample(
    program
      .command('init')
      .description('make the folders and config.yaml; harmless when they are there'),
    'axon init',
  ).action((flags: JsonFlag) =>
    run(flags.json === true, ({ settings, layout, output }) => {
      makeFolder(layout.models);
      const created = beginSettings(settings);
      output.result({ home: settings.home, cache: layout.cache, config: settings.file, created }, [
        created ? `Ready: ${settings.home}` : `Already set up: ${settings.home}`,
        `  models  ${layout.models}`,
        `  config  ${settings.file}`,
      ]);
    }),
  );
};
