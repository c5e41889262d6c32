import type { Context } from '../context.ts';
import { requireInstalled } from '../store/catalog.ts';
import { type Freshness, freshnessOf, orUnknown, type Unknown } from '../upkeep/freshness.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';
import { forEachModel, namedOrAll } from './several.ts';

export const addOutdated: AddCommand = (program, run) => {
  withExample(
    program
      .command('outdated [id...]')
      .description('ask the sources of installed models whether they have something newer'),
    'axon outdated',
    'axon outdated hf/org/model@latest',
  ).action((ids: string[], flags: JsonFlag) =>
    run(flags.json === true, (context) =>
      forEachModel(
        namedOrAll(ids, ids.length === 0, context),
        { done: 'compared', key: 'models' },
        context,
        (id) =>
          orUnknown(id, ids.length > 0, () =>
            freshnessOf(requireInstalled(context.layout, id), context),
          ),
        (found) => [line(found, context)],
      ),
    ),
  );
};

function line(found: Freshness | Unknown, { output }: Context): string {
  if (found.status === 'unknown') return `Unknown ${found.id}: ${found.reason}`;
  const { id, status, installed, latest } = found;
  if (status === 'outdated')
    return `${output.paint('yellow', 'Outdated')} ${id}: ${installed} → ${latest}`;
  return `${status === 'pinned' ? 'Pinned' : 'Current'} ${id}: ${installed}`;
}
