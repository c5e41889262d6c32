import { didYouMean } from '../../protocol/nearest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { textTable } from '../render/table.ts';
import { withoutPasswords } from '../render/without-passwords.ts';
import { changeSetting } from '../settings/change-settings.ts';
import {
  type EndpointHub,
  endpointHubs,
  endpointKey,
  endpointVariables,
  isEndpointHub,
} from '../settings/endpoints.ts';
import { readValue } from '../settings/read-value.ts';
import type { Settings } from '../settings/settings.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

/** Where a hub is asked, as it is shown: the environment comes before config.yaml, and that before the hub's own address. */
function endpointOf(hub: EndpointHub, { processEnv }: Context, settings: Settings) {
  const named = processEnv[endpointVariables[hub]];
  if (named) return { hub, url: withoutPasswords(named), from: endpointVariables[hub] };
  const kept = settings.text(endpointKey(hub));
  return kept === ''
    ? { hub, url: null, from: 'default' }
    : { hub, url: withoutPasswords(kept), from: 'config.yaml' };
}

function requireHub(text: string): EndpointHub {
  if (isEndpointHub(text)) return text;
  throw new AxonError(
    'USAGE',
    `No address can be set for the hub ${JSON.stringify(text)}.${didYouMean(text, endpointHubs)} Those that have one: ${endpointHubs.join(', ')}.`,
  );
}

/** `check` sees the settings as they are when nobody else can change them. */
async function keep(
  hub: EndpointHub,
  url: string | null,
  context: Context,
  check?: (now: Settings) => void,
): Promise<void> {
  const { output, processEnv } = context;
  const key = endpointKey(hub);
  const value = url === null ? null : readValue(key, url);
  const settings = await changeSetting(key, value, context, check);
  if (processEnv[endpointVariables[hub]])
    output.warn(`${endpointVariables[hub]} is set and comes before config.yaml.`);
  const now = endpointOf(hub, context, settings);
  output.result(now, [`${hub}  ${now.url ?? 'its own address'}  (${now.from})`]);
}

export const addRegistry: AddCommand = (program, run) => {
  const registry = program
    .command('registry')
    .description('mirrors: which address a hub is asked at instead of its own');
  withExample(
    registry.command('list').description('the hubs and where each is asked'),
    'axon registry list',
  ).action((flags: JsonFlag) =>
    run(flags.json === true, (context) => {
      const endpoints = endpointHubs.map((hub) => endpointOf(hub, context, context.settings));
      const rows = endpoints.map(({ hub, url, from }) => [hub, url ?? 'its own address', from]);
      context.output.result(
        { endpoints },
        textTable(context.output, ['HUB', 'ADDRESS', 'FROM'], rows),
      );
    }),
  );
  withExample(
    registry.command('add <hub> <url>').description('ask a hub at another address from now on'),
    'axon registry add hf https://hf-mirror.example.com',
  ).action((text: string, url: string, flags: JsonFlag) =>
    run(flags.json === true, (context) => {
      const hub = requireHub(text);
      return keep(hub, url, context, (now) => {
        const before = now.text(endpointKey(hub));
        if (before === '' || before === url) return;
        throw new AxonError(
          'ALREADY_EXISTS',
          `${hub} is asked at ${before} already. \`axon registry set ${hub} ${url}\` replaces it.`,
        );
      });
    }),
  );
  withExample(
    registry.command('set <hub> <url>').description('the same, also where one is set already'),
    'axon registry set npm https://registry.example.com',
  ).action((hub: string, url: string, flags: JsonFlag) =>
    run(flags.json === true, (context) => keep(requireHub(hub), url, context)),
  );
  withExample(
    registry.command('remove <hub>').description('ask the hub at its own address again'),
    'axon registry remove hf',
  ).action((text: string, flags: JsonFlag) =>
    run(flags.json === true, (context) => {
      const hub = requireHub(text);
      return keep(hub, null, context, (now) => {
        if (now.isSet(endpointKey(hub))) return;
        throw new AxonError(
          'NOT_FOUND',
          `config.yaml has no address for ${hub}. \`axon registry list\` shows where it is asked.`,
        );
      });
    }),
  );
};
