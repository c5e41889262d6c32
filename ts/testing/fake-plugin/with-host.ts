import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { readPluginFolder } from '../../daemon/plugin/discover.ts';
import { PluginHost } from '../../daemon/plugin/host.ts';
import type { HostModel, InferenceRequest } from '../../daemon/plugin/host-jobs.ts';
import type { HostOptions } from '../../daemon/plugin/host-options.ts';
import { Tensor } from '../../protocol/tensor.ts';
import type { FakeFlags } from './flags.ts';
import { makeFakePlugin } from './make.ts';

export interface FakeHost {
  readonly host: PluginHost;
  /** A model whose file says `text`; `poison` ends the process that loads it. */
  model(modelId?: string, text?: string): Promise<HostModel>;
  /** Lines of the host's log. */
  readonly log: string[];
}

/** A host on the fake plugin, gone with its folder when the test ends. */
export async function fakeHost(
  t: TestContext,
  flags: Partial<FakeFlags> = {},
  options: Partial<HostOptions> = {},
): Promise<FakeHost> {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-fake-plugin-'));
  const descriptor = await readPluginFolder(await makeFakePlugin(join(folder, 'fake'), flags));
  const log: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) });
  const host = new PluginHost({ descriptor, hostId: 'test', logger, ...options });
  t.after(async () => {
    await host.stop({ drainMs: 0 });
    await rm(folder, { recursive: true, force: true });
  });
  const model = async (modelId = 'test/model@1', text = 'fine'): Promise<HostModel> => {
    const file = join(folder, encodeURIComponent(modelId));
    await writeFile(file, text);
    return { modelId, path: folder, file };
  };
  return { host, model, log };
}

/** A request that makes the fake plugin do something; it echoes the order. */
export function order(
  orders: readonly string[] = [],
  rest: Partial<InferenceRequest> = {},
): InferenceRequest {
  const inputs = { do: new Tensor('string', [orders.length], orders) };
  return { modelId: 'test/model@1', inputs, timeoutMs: 30_000, ...rest };
}

/** The code that a promise is rejected with, or `ok`. */
export function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

/** Waits until something is so; the test runner's own timeout is the watchdog. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
