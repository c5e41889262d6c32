import { formatModelId } from '../../protocol/model-id.ts';
import type { ArgumentKind } from '../commands/arguments.ts';
import { formatNames } from '../formats/file-kinds.ts';
import { hubs } from '../hubs/registry.ts';
import { variantNames } from '../selection/choose.ts';
import { configKeyNames } from '../settings/keys.ts';
import type { Settings } from '../settings/settings.ts';
import { listInstalled } from '../store/catalog.ts';
import { StoreLayout } from '../store/layout.ts';

type Kind = Exclude<NonNullable<ArgumentKind['candidates']>[number], 'files'>;

/** What there is of each kind, looked up when it is asked for. */
export type Candidates = Readonly<Record<Kind, () => Promise<readonly string[]>>>;

export function candidatesOf(settings: Settings): Candidates {
  const installed = () =>
    listInstalled(new StoreLayout(settings.cacheDir)).map(({ id }) => formatModelId(id));
  const names = () => hubs.filter((hub) => hub.claims === undefined).flatMap((hub) => hub.names);
  return {
    installed: async () => installed(),
    keys: async () => configKeyNames,
    formats: async () => ['auto', ...formatNames],
    variants: async () => variantNames,
    hubs: async () => names(),
    sources: async () => names().map((name) => `${name}/`),
  };
}
