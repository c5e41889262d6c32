import type { DownloadOptions } from './download/options.ts';
import { proxiesOf } from './download/proxy.ts';
import { Slots } from './download/slots.ts';
import type { Output } from './render/output.ts';
import { endpointKey, withEndpoints } from './settings/endpoints.ts';
import type { Settings } from './settings/settings.ts';
import { StoreLayout } from './store/layout.ts';

/** Smaller files are there before further connections would be. */
const ranges = { from: 64 * 1024 * 1024, piece: 16 * 1024 * 1024 };

/** What every command gets: the world, passed in. Only main.ts reads `process`. */
export interface Context {
  /** With the addresses of hubs that config.yaml names in it. */
  readonly env: NodeJS.ProcessEnv;
  /** As the process has it. */
  readonly processEnv: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly settings: Settings;
  readonly layout: StoreLayout;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly download: DownloadOptions;
}

export function makeContext(
  parts: Pick<Context, 'env' | 'cwd' | 'stdin' | 'settings' | 'output' | 'signal'>,
): Context {
  const { env, settings, output, signal } = parts;
  return {
    ...parts,
    env: withEndpoints(env, (hub) => settings.text(endpointKey(hub))),
    processEnv: env,
    layout: new StoreLayout(settings.cacheDir),
    download: {
      maxRetries: settings.number('download.max_retries'),
      retryWaitMs: settings.number('download.retry_wait_ms'),
      stallMs: settings.number('download.stall_seconds') * 1000,
      connections: new Slots(settings.number('download.parallel')),
      ranges,
      progress: output.progress,
      note: (text) => output.note(text),
      signal,
      proxyFor: proxiesOf(env),
    },
  };
}
