import { callDaemon } from './call.ts';
import { measuresText } from './measures.ts';
import { type CommonOptions, configOf } from './options.ts';
import { notRunningCode, print, printJson } from './report.ts';
import { runningDaemon } from './running.ts';
import { bytes, duration, table } from './table.ts';

export async function status(
  options: CommonOptions & { readonly json?: boolean },
): Promise<number> {
  const config = await configOf(options);
  const state = runningDaemon(config);
  if (state === null) {
    const dataFolder = config.get('core.data_dir');
    if (options.json === true) printJson({ running: false, data_dir: dataFolder });
    else print(`No daemon runs on ${dataFolder}. Start one with \`mlos serve\`.`);
    return notRunningCode;
  }
  const [health, ready, stats, plugins, models] = await Promise.all([
    callDaemon(options, 'health.get', {}),
    callDaemon(options, 'health.ready', {}),
    callDaemon(options, 'stats.get', {}),
    callDaemon(options, 'plugins.list', {}),
    callDaemon(options, 'models.list', {}),
  ]);
  if (options.json === true) {
    printJson({ running: true, ...state, health, ready, stats, plugins, models });
    return 0;
  }
  print(`MLOS ${health.version}, pid ${state.pid}, up ${duration(stats.uptime_seconds)}`);
  if (state.http !== null) {
    print(`  http    http://${state.http.host}:${state.http.port} (${health.http_adapter})`);
  }
  if (state.socket_path !== null) print(`  socket  ${state.socket_path}`);
  print(`  ready   ${ready.ready ? 'yes' : ready.reasons.join(' ')}`);
  print(
    `  served  ${stats.total_requests} requests, ${stats.inferences} inferences, ${stats.failed_requests} errors`,
  );
  print(`  memory  ${bytes(stats.memory.rss_bytes)}, ${stats.open_descriptors} descriptors\n`);
  print(
    table(
      ['PLUGIN', 'STATE', 'RUNNER', 'MODELS', 'PIDS', 'RESTARTS'],
      plugins.plugins.map((plugin) => [
        plugin.id,
        plugin.status,
        plugin.runner ?? '–',
        String(plugin.models),
        plugin.processes.map((process) => process.pid).join(' ') || '–',
        String(plugin.restarts),
      ]),
    ),
  );
  if (models.total > 0) {
    print('');
    print(
      table(
        ['MODEL', 'STATE', 'PLUGIN', 'FORMAT', 'RUNNER', 'KERNEL'],
        models.models.map((model) => [
          model.id,
          model.status,
          model.plugin_id,
          model.execution_format,
          model.runner ?? '–',
          measuresText(model.measures),
        ]),
      ),
    );
  }
  return 0;
}
