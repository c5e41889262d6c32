import { pino } from 'pino';
import { readPluginFolder } from '../../daemon/plugin/discover.ts';
import { PluginHost } from '../../daemon/plugin/host.ts';
import { order } from './with-host.ts';

/*
 * A stand-in for the daemon that a test can kill: hosts the plugin of the folder given, sets it to
 * the work given, and prints the plugin's pid.
 */
const [folder = '', file = '', work = ''] = process.argv.slice(2);
const logger = pino({ level: 'silent' });
const host = new PluginHost({
  descriptor: await readPluginFolder(folder),
  hostId: 'stand-in',
  logger,
});
await host.load({ modelId: 'test/model@1', path: folder, file });
void host.infer(order([work])).catch(() => undefined);
process.stdout.write(`${host.status.pid}\n`);
