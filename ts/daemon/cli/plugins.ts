import { resolve } from 'node:path';
import type { PluginInfoWire } from '../../protocol/methods/plugins.ts';
import { callDaemon } from './call.ts';
import type { CommonOptions } from './options.ts';
import { print, printJson } from './report.ts';
import { bytes, duration, table } from './table.ts';

type Options = CommonOptions & { readonly json?: boolean };
type Command = (options: Options, ...args: string[]) => Promise<number>;

export async function listPlugins(options: Options): Promise<number> {
  const result = await callDaemon(options, 'plugins.list', {});
  if (options.json === true) {
    printJson(result.plugins);
    return 0;
  }
  print(
    table(
      ['PLUGIN', 'STATE', 'FORMATS', 'MODELS', 'SOURCE'],
      result.plugins.map((plugin) => [
        plugin.id,
        plugin.status,
        plugin.formats.join(' '),
        String(plugin.models),
        plugin.source,
      ]),
    ),
  );
  return 0;
}

function show(plugin: PluginInfoWire): void {
  print(
    [
      `id        ${plugin.id}`,
      `state     ${plugin.status}${plugin.reason === null ? '' : `: ${plugin.reason}`}`,
      `about     ${plugin.description}`,
      `formats   ${plugin.formats.join(', ')}`,
      `dtypes    ${plugin.dtypes.join(', ')}`,
      `runner    ${plugin.runner ?? 'not started yet'}`,
      `folder    ${plugin.path} (${plugin.source})`,
      `models    ${plugin.models}`,
      `restarts  ${plugin.restarts}`,
      ...plugin.processes.map(
        (process) =>
          `process   pid ${process.pid}, ${process.state}, up ${duration(process.uptime_seconds)}, ${bytes(process.rss_bytes)}`,
      ),
    ].join('\n'),
  );
}

export function pluginCommand(
  verb: 'show' | 'register' | 'load' | 'unload' | 'unregister',
): Command {
  return async (options, argument = '') => {
    if (verb === 'unregister') {
      const result = await callDaemon(options, 'plugins.unregister', { plugin_id: argument });
      if (options.json === true) printJson(result);
      else print(`${result.message}: ${result.plugin_id}`);
      return 0;
    }
    const { plugin } =
      verb === 'register'
        ? await callDaemon(options, 'plugins.register', { path: resolve(argument) })
        : await callDaemon(
            options,
            verb === 'show' ? 'plugins.get' : (`plugins.${verb}` as const),
            {
              plugin_id: argument,
            },
          );
    if (options.json === true) printJson(plugin);
    else show(plugin);
    return 0;
  };
}
