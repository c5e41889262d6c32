import type { DownloadOptions } from './download/options.ts';
import type { Output } from './render/output.ts';
import type { Settings } from './settings/settings.ts';
import { StoreLayout } from './store/layout.ts';

/** What every command gets: the world, passed in. Only main.ts reads `process`. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly settings: Settings;
  readonly layout: StoreLayout;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly download: DownloadOptions;
}

export function makeContext(
  parts: Pick<Context, 'env' | 'cwd' | 'settings' | 'output' | 'signal'>,
): Context {
  const { settings, output, signal } = parts;
  return {
    ...parts,
    layout: new StoreLayout(settings.cacheDir),
    download: {
      maxRetries: settings.number('download.max_retries'),
      retryWaitMs: settings.number('download.retry_wait_ms'),
      stallMs: settings.number('download.stall_seconds') * 1000,
      progress: output.progress,
      note: (text) => output.note(text),
      signal,
    },
  };
}
