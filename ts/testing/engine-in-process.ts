import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createChannelFiles } from '../native/channel-files.ts';
import { channelLayout, type Priority } from '../native/channel-layout.ts';
import { ClientChannel } from '../native/client-channel.ts';
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  errorCodeOfStatus,
} from '../native/control-message.ts';
import { Engine, type EngineModelOptions, type OrtSessionOptions } from '../native/engine.ts';
import { statsPageBytes, writeStatsHeader } from '../native/engine-stats.ts';
import { receiveDescriptors, sendDescriptors, socketPair } from '../native/fd-socket.ts';
import { onReadable } from '../native/readable.ts';
import { Region } from '../native/region.ts';

/** Options of a model that waits for nobody and is measured by nobody. */
export const plainModel: EngineModelOptions = {
  priority: 'normal',
  instances: 1,
  maxQueue: 1024,
  batching: 'off',
  maxBatch: 1,
  maxDelayUs: 0,
  cpus: [],
  intraOpThreads: 1,
};

/** The runtime that onnxruntime-node brings, with one thread. */
export function plainRuntime(): OrtSessionOptions {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(entry, '../../bin/napi-v6', process.platform, process.arch);
  return { library: join(folder, 'libonnxruntime.so.1'), intraOpThreads: 1 };
}

export interface OpenOptions {
  readonly requestArenaBytes?: number;
  readonly responseArenaBytes?: number;
  readonly priority?: Priority;
  readonly spinUs?: number;
}

/** An engine in this very process, and the daemon's side of its control socket. */
export class EngineInProcess {
  readonly engine: Engine;
  readonly stats: Region;
  readonly #control: number;
  #sequence = 0;
  #channelId = 0;

  private constructor(engine: Engine, stats: Region, control: number) {
    this.engine = engine;
    this.stats = stats;
    this.#control = control;
  }

  static async start(spinUs = 50): Promise<EngineInProcess> {
    const [ours, theirs] = socketPair('seqpacket');
    const engine = Engine.start(theirs, { spinUs, reservedCpus: [], lockMemory: false });
    const stats = Region.create({ byteLength: statsPageBytes() });
    writeStatsHeader(stats);
    const host = new EngineInProcess(engine, stats, ours);
    await host.ask({ kind: 'startEngine', argument: spinUs }, [stats.fd]);
    return host;
  }

  /** Sends a message and waits for its reply; throws what the reply's status says. */
  async ask(
    message: Pick<ControlMessage, 'kind'> & Partial<ControlMessage>,
    fds: readonly number[],
  ): Promise<ControlMessage> {
    const sequence = ++this.#sequence;
    sendDescriptors(this.#control, encodeControl({ ...message, sequence }), fds);
    for (;;) {
      const reply = await this.receive();
      if (!reply.isReply || reply.sequence !== sequence) continue;
      const code = errorCodeOfStatus(reply.status);
      if (code !== null) throw Object.assign(new Error(reply.text), { code });
      return reply;
    }
  }

  async receive(): Promise<ControlMessage> {
    for (;;) {
      const received = receiveDescriptors(this.#control, { maxBytes: 4096, maxFds: 4 });
      if (received !== null) {
        for (const fd of received.fds) closeSync(fd);
        return decodeControl(received.bytes);
      }
      await new Promise<void>((resolve) => onReadable(this.#control, resolve, { keepAlive: true }));
    }
  }

  /** A channel to a loaded model, open. */
  async open(handle: number, options: OpenOptions = {}): Promise<ClientChannel> {
    const { requestArenaBytes = 1 << 20, responseArenaBytes = 1 << 20, spinUs = 50 } = options;
    const channelId = ++this.#channelId;
    const files = await createChannelFiles({ channelId, requestArenaBytes, responseArenaBytes });
    const argument2 = channelLayout().priorities[options.priority ?? 'realtime'];
    await this.ask({ kind: 'openChannel', channelId, argument: handle, argument2 }, [
      files.responseRegion,
      files.bell,
      files.hostSocket,
    ]);
    closeSync(files.hostSocket);
    const { requestRegion, responseRegion, bell, clientSocket: socket } = files;
    const channel = ClientChannel.open({ requestRegion, responseRegion, bell, socket }, { spinUs });
    await this.ask({ kind: 'activateChannel', channelId }, [channel.requestRegionFd]);
    return channel;
  }

  close(): void {
    this.engine.close();
    this.stats.close();
    closeSync(this.#control);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
