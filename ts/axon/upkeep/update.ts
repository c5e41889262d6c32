import { formatModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import { installSpec } from '../install/install.ts';
import { optionsOf } from '../install/options.ts';
import type { Installed } from '../store/catalog.ts';
import { type Freshness, freshnessOf, originOf } from './freshness.ts';

export type Updated = Omit<Freshness, 'status'> & {
  readonly status: Freshness['status'] | 'updated';
};

/**
 * Puts what the source names now in the place of what is installed, with the choice of files of then. What
 * both revisions have is not fetched again; until the new one is whole the old one stays.
 */
export async function updateModel(
  model: Installed,
  isDry: boolean,
  context: Context,
): Promise<Updated> {
  const found = await freshnessOf(model, context);
  if (found.status !== 'outdated' || isDry) return found;
  const { asked, spec } = originOf(model, context);
  const options = { ...optionsOf(asked.choice), as: model.id, replace: true };
  const { source } = await installSpec(spec, options, context, asked);
  context.output.note(`${formatModelId(model.id)} was updated.`);
  return { ...found, status: 'updated', latest: source?.revision ?? found.latest };
}
