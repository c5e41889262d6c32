import type { Logger } from 'pino';
import type { PluginDescriptor } from '../plugin/descriptor.ts';
import {
  ChannelIds,
  defaultEngineSettings,
  type EngineSettings,
} from '../plugin/engine/engine-settings.ts';
import { PluginHost } from '../plugin/host.ts';

/**
 * The plugin processes. One per plugin, shared by its models; a model registered with
 * `isolation: model` has one of its own, so that a crash there touches nobody else.
 */
export class HostPool {
  readonly #logger: Logger;
  readonly #engine: EngineSettings;
  readonly #channelIds = new ChannelIds();
  /** By host id: `onnx@1.0.0`, or `onnx@1.0.0/hf/bert@latest` for an isolated model. */
  readonly #hosts = new Map<string, PluginHost>();

  constructor(logger: Logger, engine: EngineSettings = defaultEngineSettings) {
    this.#logger = logger;
    this.#engine = engine;
  }

  hostFor(descriptor: PluginDescriptor, isolatedModel: string | null): PluginHost {
    const hostId = isolatedModel === null ? descriptor.id : `${descriptor.id}/${isolatedModel}`;
    let host = this.#hosts.get(hostId);
    if (host === undefined) {
      host = new PluginHost({
        descriptor,
        hostId,
        logger: this.#logger.child({ host: hostId }),
        engine: this.#engine,
        channelIds: this.#channelIds,
      });
      this.#hosts.set(hostId, host);
    }
    return host;
  }

  /** The process that a model of a plugin is in, or would be. */
  find(pluginId: string, isolatedModel: string | null): PluginHost | undefined {
    return this.#hosts.get(isolatedModel === null ? pluginId : `${pluginId}/${isolatedModel}`);
  }

  hostsOf(pluginId: string): readonly PluginHost[] {
    return [...this.#hosts]
      .filter(([hostId]) => hostId === pluginId || hostId.startsWith(`${pluginId}/`))
      .map(([, host]) => host);
  }

  all(): readonly PluginHost[] {
    return [...this.#hosts.values()];
  }

  /** Drains and stops the processes of one plugin and forgets them. */
  async stopPlugin(pluginId: string): Promise<void> {
    await this.#stop((hostId) => hostId === pluginId || hostId.startsWith(`${pluginId}/`));
  }

  async stopIsolated(pluginId: string, modelId: string): Promise<void> {
    await this.#stop((hostId) => hostId === `${pluginId}/${modelId}`);
  }

  async stopAll(options: { readonly drainMs?: number } = {}): Promise<void> {
    await this.#stop(() => true, options);
  }

  async #stop(
    matches: (hostId: string) => boolean,
    options: { readonly drainMs?: number } = {},
  ): Promise<void> {
    const chosen = [...this.#hosts].filter(([hostId]) => matches(hostId));
    for (const [hostId] of chosen) this.#hosts.delete(hostId);
    await Promise.all(chosen.map(([, host]) => host.stop(options)));
  }
}
