import { type DaemonLine, openLine, question } from './call.ts';
import { measuresText } from './measures.ts';
import type { CommonOptions } from './options.ts';
import { notRunningCode, print, printJson } from './report.ts';
import { NotRunning } from './running.ts';
import { bytes, duration, table } from './table.ts';

export async function status(
  options: CommonOptions & { readonly json?: boolean },
): Promise<number> {
  let line: DaemonLine;
  try {
    line = await openLine(options);
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    if (options.json === true) printJson({ running: false, reason: error.message });
    else print(error.message);
    return notRunningCode;
  }
  try {
    return await report(line, options.json === true);
  } finally {
    await line.close();
  }
}

async function report(line: DaemonLine, asJson: boolean): Promise<number> {
  const [health, ready, stats, plugins, models] = await Promise.all([
    line.call('health.get', {}, question),
    line.call('health.ready', {}, question),
    line.call('stats.get', {}, question),
    line.call('plugins.list', {}, question),
    line.call('models.list', {}, question),
  ]);
  const { http, ipc } = stats.apis;
  if (asJson) {
    const state = {
      pid: health.pid,
      version: health.version,
      started_at: new Date(Date.now() - stats.uptime_seconds * 1_000).toISOString(),
      http: http?.enabled === true ? { host: http.host, port: http.port } : null,
      socket_path: ipc?.path ?? null,
    };
    printJson({ running: true, ...state, health, ready, stats, plugins, models });
    return 0;
  }
  print(`MLOS ${health.version}, pid ${health.pid}, up ${duration(stats.uptime_seconds)}`);
  if (http?.enabled === true) {
    print(`  http    http://${http.host}:${http.port} (${health.http_adapter})`);
  }
  if (ipc?.path !== undefined) print(`  socket  ${ipc.path}`);
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
