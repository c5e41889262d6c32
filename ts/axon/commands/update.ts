import type { Context } from '../context.ts';
import { requireInstalled } from '../store/catalog.ts';
import { orUnknown, type Unknown } from '../upkeep/freshness.ts';
import { type Updated, updateModel } from '../upkeep/update.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';
import { forEachModel, namedOrAll } from './several.ts';

interface Flags extends JsonFlag {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

export const addUpdate: AddCommand = (program, run) => {
  withExample(
    program
      .command('update [id...]')
      .alias('upgrade')
      .description('bring what the sources of the models named, or of --all, have now')
      .option('--all', 'every model that is installed')
      .option('--dry-run', 'say what would be updated'),
    'axon update hf/org/model@latest',
    'axon update --all',
  ).action((ids: string[], flags: Flags) =>
    run(flags.json === true, (context) =>
      forEachModel(
        namedOrAll(ids, flags.all === true, context),
        { done: 'updated', key: 'models' },
        context,
        (id) =>
          orUnknown(id, flags.all !== true, () =>
            updateModel(requireInstalled(context.layout, id), flags.dryRun === true, context),
          ),
        (done) => lines(done, context),
      ),
    ),
  );
};

function lines(done: Updated | Unknown, { output }: Context): string[] {
  if (done.status === 'unknown') return [done.reason];
  const { id, status, installed, latest } = done;
  switch (status) {
    case 'updated':
      return [
        `${output.paint('green', 'Updated')} ${id}: ${installed} → ${latest}`,
        `Next: axon register ${id}`,
      ];
    case 'outdated':
      return [`Would update ${id}: ${installed} → ${latest}`];
    case 'pinned':
      return [`${id} is pinned to ${installed}. \`axon unpin ${id}\` lets it go.`];
    case 'current':
      return [`${id} is what its source names: ${installed}`];
  }
}
