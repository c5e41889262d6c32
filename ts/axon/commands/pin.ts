import { formatModelId } from '../../protocol/model-id.ts';
import { requireInstalled } from '../store/catalog.ts';
import { setPinned } from '../upkeep/pin.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';
import { forEachModel } from './several.ts';

export const addPin: AddCommand = (program, run) => {
  const verbs = [
    { name: 'pin', about: 'leave a model as it is, whatever `axon update` brings', is: true },
    { name: 'unpin', about: 'let `axon update` replace a model again', is: false },
  ];
  for (const { name, about, is } of verbs) {
    withExample(
      program.command(`${name} <id...>`).description(about),
      `axon ${name} hf/org/model@latest`,
    ).action((ids: string[], flags: JsonFlag) =>
      run(flags.json === true, (context) =>
        forEachModel(
          [...new Set(ids)],
          { done: `${name}ned`, key: 'models' },
          context,
          async (text) => {
            const model = requireInstalled(context.layout, text);
            await setPinned(model, is, context);
            return { id: formatModelId(model.id), pinned: is };
          },
          ({ id }) => [`${is ? 'Pinned' : 'Unpinned'} ${id}`],
        ),
      ),
    );
  }
};
