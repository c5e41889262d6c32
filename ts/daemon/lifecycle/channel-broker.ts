import { totalmem } from 'node:os';
import { channelLayout } from '../../native/channel-layout.ts';
import type { ErrorCode } from '../../protocol/error-codes.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Clock, Timer } from '../plugin/clock.ts';
import { startSizes } from '../plugin/engine/arena-sizes.ts';
import type { EngineChannel } from '../plugin/engine/engine-channel.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import type {
  ChannelClient,
  ChannelInfo,
  ChannelRequest,
  Channels,
  OpenedChannel,
} from './channels.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { ReadyModel } from './model-loader.ts';

interface Entry {
  readonly client: ChannelClient;
  readonly bytes: number;
  readonly info: Omit<ChannelInfo, 'channelId' | 'active'>;
  /** Null while the engine has not opened it. */
  channel: EngineChannel | null;
  active: boolean;
  /** Until it is activated. */
  expiry: Timer | null;
}

/** A quarter of the memory is what channels may take of a small host. */
const mostBytes = Math.min(limits.channelsBytes, Math.floor(totalmem() / 4));

function readSize(given: number | undefined, fallback: number, what: string): number {
  const size = given ?? fallback;
  const { minArenaBytes } = channelLayout().bounds;
  if (!Number.isSafeInteger(size) || size < 0 || size > limits.channelArenaBytes) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${what} is ${size}; expected bytes up to ${limits.channelArenaBytes}.`,
    );
  }
  return Math.max(size, minArenaBytes);
}

/** The channels between apps and loaded models: made here, counted here, and taken away here. */
export class ChannelBroker implements Channels {
  readonly #registry: ModelRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();

  constructor(options: {
    readonly registry: ModelRegistry;
    readonly lifecycle: Lifecycle;
    readonly clock: Clock;
  }) {
    this.#registry = options.registry;
    this.#lifecycle = options.lifecycle;
    this.#clock = options.clock;
  }

  async open(request: ChannelRequest): Promise<OpenedChannel> {
    const model = await this.#lifecycle.ready(this.#registry.resolve(request.modelId).id);
    const entry = this.#reserve(request, model);
    try {
      return await this.#open(request, model, entry);
    } catch (error) {
      this.#forget(entry);
      throw error;
    }
  }

  async activate(channelId: number): Promise<void> {
    const { entry, channel } = this.#find(channelId);
    if (entry.expiry === null) {
      throw new MlosError('FAILED_PRECONDITION', `Channel ${channelId} has been activated.`);
    }
    entry.expiry.cancel();
    entry.expiry = null;
    await channel.activate();
    entry.active = true;
  }

  async revoke(channelId: number, code: ErrorCode = 'PERMISSION_DENIED'): Promise<void> {
    await this.#find(channelId).channel.close(code);
  }

  list(): readonly ChannelInfo[] {
    return [...this.#entries].flatMap(({ info, active, channel }) =>
      channel === null ? [] : [{ ...info, active, channelId: channel.id }],
    );
  }

  /** Room for one more, held from here on. Throws TOO_MANY_REQUESTS, INVALID_ARGUMENT. */
  #reserve({ inputBytes, outputBytes, client }: ChannelRequest, model: ReadyModel): Entry {
    const start = startSizes(model.signature);
    const info = {
      modelId: model.record.id,
      pluginId: model.record.pluginId,
      client,
      since: Date.now(),
      inputBytes: readSize(inputBytes, start.requestBytes, 'input_bytes'),
      outputBytes: readSize(outputBytes, start.responseBytes, 'output_bytes'),
    };
    const bytes = info.inputBytes + info.outputBytes;
    const entries = [...this.#entries];
    const ofUser = entries.filter((entry) => entry.client.uid === client.uid).length;
    const taken = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (entries.length >= limits.channels) {
      throw full(`${entries.length} channels are open; the limit is ${limits.channels}.`);
    }
    if (ofUser >= limits.channelsPerUser) {
      throw full(
        `User ${client.uid} has ${ofUser} channels; the limit is ${limits.channelsPerUser}.`,
      );
    }
    if (taken + bytes > mostBytes) {
      throw full(
        `Channels take ${taken} bytes; ${bytes} more are above the limit of ${mostBytes}.`,
      );
    }
    const entry: Entry = { client, bytes, info, channel: null, active: false, expiry: null };
    this.#entries.add(entry);
    return entry;
  }

  async #open(request: ChannelRequest, model: ReadyModel, entry: Entry): Promise<OpenedChannel> {
    const { record, host, signature } = model;
    const { inputBytes, outputBytes } = entry.info;
    const channel = await host.openChannel(record.id, {
      requestBytes: inputBytes,
      responseBytes: outputBytes,
      priority: request.priority ?? host.engineModel(record.id)?.priority ?? 'normal',
      onGone: () => this.#forget(entry),
    });
    entry.channel = channel;
    entry.expiry = this.#clock.after(
      limits.channelActivateMs,
      // Where the engine does not answer, its process is ended and the channel with it.
      () => void channel.close('DEADLINE_EXCEEDED').catch(() => undefined),
      'background',
    );
    const { requestRegion, responseRegion, bell, clientSocket } = channel.clientFiles;
    return {
      channelId: channel.id,
      modelId: record.id,
      modelVersion: record.digest,
      pluginId: record.pluginId,
      signature,
      inputBytes,
      outputBytes,
      spinUs: host.engineModel(record.id)?.engine.spinUs ?? 0,
      descriptors: [requestRegion, responseRegion, bell, clientSocket],
      // The engine still needs the request region: it gets it at activation.
      handedOver: () => channel.closeFiles('responseRegion', 'bell', 'clientSocket'),
    };
  }

  #find(channelId: number): { readonly entry: Entry; readonly channel: EngineChannel } {
    for (const entry of this.#entries) {
      if (entry.channel?.id === channelId) return { entry, channel: entry.channel };
    }
    throw new MlosError('INVALID_ARGUMENT', `There is no channel ${channelId}.`);
  }

  #forget(entry: Entry): void {
    entry.expiry?.cancel();
    this.#entries.delete(entry);
  }
}

function full(message: string): MlosError {
  return new MlosError('TOO_MANY_REQUESTS', message);
}
