import { MlosError } from '../../protocol/errors.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import type { PluginDescriptor } from './descriptor.ts';

export interface Choice {
  readonly descriptor: PluginDescriptor;
  /** Why this one, in one sentence for people. */
  readonly reason: string;
}

/** Order of versions: numbers as numbers, a pre-release before its release, the rest as text. */
export function compareVersions(a: string, b: string): number {
  const [coreA = '', ...preA] = a.split('+')[0]?.split('-') ?? [];
  const [coreB = '', ...preB] = b.split('+')[0]?.split('-') ?? [];
  const core = compareParts(coreA, coreB);
  if (core !== 0) return core;
  if (preA.length === 0 || preB.length === 0) return preB.length - preA.length;
  return compareParts(preA.join('-'), preB.join('-'));
}

function compareParts(a: string, b: string): number {
  const partsA = a.split('.');
  const partsB = b.split('.');
  for (let i = 0; i < Math.max(partsA.length, partsB.length); i++) {
    const partA = partsA[i] ?? '';
    const partB = partsB[i] ?? '';
    const bothNumbers = /^\d+$/.test(partA) && /^\d+$/.test(partB);
    const order = bothNumbers ? Number(partA) - Number(partB) : compareText(partA, partB);
    if (order !== 0) return Math.sign(order);
  }
  return 0;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The newest of some plugins. */
export function newest(plugins: readonly PluginDescriptor[]): PluginDescriptor | undefined {
  const order = [...plugins].sort(
    (a, b) => compareVersions(b.version, a.version) || compareText(a.name, b.name),
  );
  return order[0];
}

/** `name@version`, or the name alone for its newest version. Throws PLUGIN_NOT_FOUND. */
export function findPlugin(plugins: readonly PluginDescriptor[], id: string): PluginDescriptor {
  const found =
    plugins.find((plugin) => plugin.id === id) ?? newest(plugins.filter((p) => p.name === id));
  if (found !== undefined) return found;
  const known = plugins.map((plugin) => plugin.id);
  throw new MlosError(
    'PLUGIN_NOT_FOUND',
    `No plugin ${JSON.stringify(id)} is registered.${didYouMean(id, known)} ` +
      `There are: ${known.join(', ') || 'none'}.`,
  );
}

function noPlugin(format: string, plugins: readonly PluginDescriptor[], whose: string): MlosError {
  const formats = [...new Set(plugins.flatMap((plugin) => plugin.formats))].sort();
  return new MlosError(
    'NO_PLUGIN_FOR_FORMAT',
    `${whose} the execution format ${JSON.stringify(format)}.` +
      `${didYouMean(format, formats)} Formats there are: ${formats.join(', ') || 'none'}.`,
    { details: { execution_format: format, formats } },
  );
}

/**
 * The plugin that runs a model: the one asked for, else the newest that declares the model's format.
 * Errors: PLUGIN_NOT_FOUND, NO_PLUGIN_FOR_FORMAT with the formats there are.
 */
export function choosePlugin(
  plugins: readonly PluginDescriptor[],
  executionFormat: string,
  pluginId?: string,
): Choice {
  const format = executionFormat.toLowerCase();
  const runs = (plugin: PluginDescriptor) =>
    plugin.formats.some((name) => name.toLowerCase() === format);
  if (pluginId !== undefined) {
    const descriptor = findPlugin(plugins, pluginId);
    if (runs(descriptor)) {
      return { descriptor, reason: `${descriptor.id} was asked for and runs ${format}.` };
    }
    throw noPlugin(executionFormat, [descriptor], `Plugin ${descriptor.id} does not run`);
  }
  const able = plugins.filter(runs);
  const descriptor = newest(able);
  if (descriptor === undefined) {
    throw noPlugin(executionFormat, plugins, 'No registered plugin runs');
  }
  const others = able.filter((other) => other !== descriptor).map((other) => other.id);
  const reason =
    others.length === 0
      ? `${descriptor.id} is the only plugin that runs ${format}.`
      : `${descriptor.id} is the newest plugin that runs ${format} (others: ${others.join(', ')}).`;
  return { descriptor, reason };
}
