import type { Result } from '../../protocol/method-table.ts';
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

type Doors = Result<'stats.get'>['apis'];

/** Where the open doors are, for programs. */
function placesOf({ http, grpc, ipc }: Doors): object {
  return {
    http: http?.enabled === true ? { host: http.host, port: http.port } : null,
    grpc:
      grpc?.enabled === true
        ? { host: grpc.host, port: grpc.port, tls: grpc.tls, socket_path: grpc.path ?? null }
        : null,
    socket_path: ipc?.path ?? null,
  };
}

function printPath(path: string | undefined): void {
  if (path !== undefined) print(`          unix:${path}`);
}

function printDoors({ http, grpc, ipc }: Doors, adapter: string | null): void {
  if (http?.enabled === true) {
    const scheme = http.tls === true ? 'https' : 'http';
    print(`  http    ${scheme}://${http.host}:${http.port} (${adapter})`);
    printPath(http.path);
  }
  if (grpc?.enabled === true) {
    print(`  grpc    ${grpc.host}:${grpc.port}${grpc.tls === true ? ' (TLS)' : ''}`);
    printPath(grpc.path);
  }
  if (ipc?.path !== undefined) print(`  socket  ${ipc.path}`);
}

async function report(line: DaemonLine, asJson: boolean): Promise<number> {
  const [health, ready, stats, plugins, models] = await Promise.all([
    line.call('health.get', {}, question),
    line.call('health.ready', {}, question),
    line.call('stats.get', {}, question),
    line.call('plugins.list', {}, question),
    line.call('models.list', {}, question),
  ]);
  if (asJson) {
    const state = {
      pid: health.pid,
      version: health.version,
      started_at: new Date(Date.now() - stats.uptime_seconds * 1_000).toISOString(),
      ...placesOf(stats.apis),
    };
    printJson({ running: true, ...state, health, ready, stats, plugins, models });
    return 0;
  }
  print(`MLOS ${health.version}, pid ${health.pid}, up ${duration(stats.uptime_seconds)}`);
  printDoors(stats.apis, health.http_adapter);
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
