import { closeSync } from 'node:fs';
import { createChannelFiles } from '../../../native/channel-files.ts';
import { channelLayout, type Priority } from '../../../native/channel-layout.ts';
import {
  type EngineModelStats,
  readEngineStats,
  statsPageBytes,
  writeStatsHeader,
} from '../../../native/engine-stats.ts';
import { NativeError } from '../../../native/native-error.ts';
import { Region } from '../../../native/region.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import { EngineChannel } from './engine-channel.ts';
import { EngineControl } from './engine-control.ts';
import type { ChannelIds, EngineSettings } from './engine-settings.ts';

export interface EngineChannelRequest {
  /** The model's, from load_model. */
  readonly handle: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** The most urgent class that its requests get. */
  readonly priority: Priority;
  /** The daemon's own: its sequences are those of all its channels, and outlive each. */
  readonly sharesSequences?: boolean;
  /** Once, when the engine has let the channel go or is gone itself. */
  readonly onGone: () => void;
}

/** The engine of one plugin process, as the daemon steers it over its control socket. */
export class HostEngine {
  readonly #control: EngineControl;
  readonly #settings: EngineSettings;
  readonly #ids: ChannelIds;
  readonly #stats: Region;
  readonly #channels = new Map<number, EngineChannel>();

  /** Takes the control socket over. `onBroken`: the process cannot be used any more. */
  constructor(options: {
    readonly controlFd: number;
    readonly settings: EngineSettings;
    readonly ids: ChannelIds;
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly onBroken: (reason: string) => void;
  }) {
    this.#settings = options.settings;
    this.#ids = options.ids;
    this.#stats = Region.create({ byteLength: statsPageBytes(), name: 'mlos-stats' });
    writeStatsHeader(this.#stats);
    this.#control = new EngineControl({
      fd: options.controlFd,
      clock: options.clock,
      timeoutMs: options.timeoutMs,
      events: {
        channelGone: (id) => this.#channels.get(id)?.lost(),
        broken: (reason) => options.onBroken(reason),
      },
    });
  }

  /** First of all, once. Rejects where the engine does not start. */
  async start(): Promise<void> {
    const { spinUs } = this.#settings;
    const descriptors = [this.#stats.fd];
    await this.#control.request({ kind: 'startEngine', argument: spinUs, descriptors });
  }

  get spinUs(): number {
    return this.#settings.spinUs;
  }

  /** A channel whose response side is mapped and sealed by the engine, and whose client may be anybody. */
  async openChannel(request: EngineChannelRequest): Promise<EngineChannel> {
    const { handle, requestBytes, responseBytes, priority, onGone } = request;
    const id = this.#ids.next();
    const { hostSocket, ...files } = await makeFiles(id, request, this.#settings.hugePages);
    const control = this.#control;
    const sharing =
      request.sharesSequences === true ? channelLayout().controlMessage.sharesSequences : 0;
    const options = { id, requestBytes, responseBytes, control, files };
    const channel = new EngineChannel({
      ...options,
      handle,
      onGone: () => {
        this.#channels.delete(id);
        onGone();
      },
    });
    // Before the engine knows it: it may be gone again at once.
    this.#channels.set(id, channel);
    try {
      await control.request({
        kind: 'openChannel',
        channelId: id,
        argument: handle,
        argument2: channelLayout().priorities[priority] + sharing,
        descriptors: [files.responseRegion, files.bell, hostSocket],
      });
      return channel;
    } catch (error) {
      channel.lost();
      throw error;
    } finally {
      closeSync(hostSocket);
    }
  }

  /** What each model counts, by handle. */
  stats(): EngineModelStats[] {
    return this.#stats.closed ? [] : readEngineStats(this.#stats);
  }

  /** The model is not in the engine any more, nor are the channels to it. */
  dropModel(handle: number): void {
    for (const channel of [...this.#channels.values()]) {
      if (channel.handle === handle) channel.lost();
    }
  }

  /** The process is gone, or has no engine after all. Idempotent. */
  close(): void {
    this.#control.close();
    this.#stats.close();
    for (const channel of [...this.#channels.values()]) channel.lost();
  }
}

async function makeFiles(channelId: number, request: EngineChannelRequest, hugePages: boolean) {
  const { requestBytes, responseBytes } = request;
  try {
    return await createChannelFiles({
      channelId,
      requestArenaBytes: requestBytes,
      responseArenaBytes: responseBytes,
      hugePages,
    });
  } catch (thrown) {
    const code = thrown instanceof NativeError ? thrown.code : '';
    if (code === 'INVALID_ARGUMENT') throw new MlosError(code, (thrown as Error).message);
    throw new MlosError(
      'TOO_MANY_REQUESTS',
      `There is no memory or descriptor for a channel of ${requestBytes} + ${responseBytes} bytes (${code}).`,
      { cause: thrown },
    );
  }
}
