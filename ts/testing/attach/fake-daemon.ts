import { closeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createChannelFiles } from '../../native/channel-files.ts';
import { statusOfErrorCode } from '../../native/control-message.ts';
import { type AddedModel, Engine, type EngineModelOptions } from '../../native/engine.ts';
import { descriptorOf, sendDescriptors } from '../../native/fd-socket.ts';
import { ortLibrary } from '../../plugins/onnx/ort-package.ts';
import type { ErrorCode } from '../../protocol/error-codes.ts';
import { MlosError } from '../../protocol/errors.ts';
import { FrameReader, frame } from '../../protocol/frame.ts';
import { decodeMsgpack, encodeMsgpack } from '../../protocol/msgpack.ts';
import { EngineControl } from './engine-control.ts';

/**
 * A daemon and a plugin host in one process that can do nothing but let clients attach. What goes
 * wrong in real life can be ordered: see Order.
 *
 *     node fake-daemon.js <socket> <id>=<file.onnx> …
 */
export type Order =
  /** Close every channel. */
  | { readonly close: ErrorCode }
  /** The next attachings are refused. */
  | { readonly refuse: ErrorCode; readonly times: number }
  /** The next answer to models.attach carries so many descriptors. */
  | { readonly descriptors: number };

/** What it says to its parent. */
export type Report = 'ready' | 'done';

const defaultArenaBytes = 1024 * 1024;
const spinUs = 50;
const modelOptions: EngineModelOptions = {
  priority: 'normal',
  instances: 1,
  maxQueue: 4_096,
  batching: 'off',
  maxBatch: 1,
  maxDelayUs: 0,
  cpus: [],
  intraOpThreads: 1,
};

interface AttachParams {
  readonly model_id: string;
  readonly input_bytes?: number;
  readonly output_bytes?: number;
}

class FakeDaemon {
  /** An engine that nobody holds is collected and closed. */
  readonly engine: Engine;
  readonly #control: EngineControl;
  readonly #models: ReadonlyMap<string, AddedModel>;
  readonly #requestRegions = new Map<number, number>();
  readonly #channels = new Set<number>();
  #lastChannel = 0;
  #refusal: { code: ErrorCode; times: number } = { code: 'INTERNAL', times: 0 };
  #descriptors = 4;

  constructor(engine: Engine, control: EngineControl, models: ReadonlyMap<string, AddedModel>) {
    this.engine = engine;
    this.#control = control;
    this.#models = models;
  }

  serve(socket: Socket): void {
    const reader = new FrameReader({
      maxBytes: 1 << 20,
      onFrame: (payload) => {
        const [id, method, params] = decodeMsgpack(payload) as [number, string, AttachParams];
        this.#answer(socket, id, method, params).catch((error: unknown) => {
          const wire = MlosError.from(error).toWire();
          socket.write(frame(encodeMsgpack([id, wire, null])));
        });
      },
    });
    socket.on('data', (chunk) => reader.push(chunk));
    socket.on('error', () => socket.destroy());
  }

  async obey(order: Order): Promise<void> {
    if ('refuse' in order) this.#refusal = { code: order.refuse, times: order.times };
    else if ('descriptors' in order) this.#descriptors = order.descriptors;
    else {
      const channels = [...this.#channels];
      this.#channels.clear();
      const argument2 = statusOfErrorCode(order.close);
      for (const channelId of channels) {
        await this.#control.ask({ kind: 'closeChannel', channelId, argument2 }, []);
      }
    }
  }

  async #answer(socket: Socket, id: number, method: string, params: AttachParams): Promise<void> {
    if (method === 'models.attach') return this.#attach(socket, id, params);
    if (method !== 'channels.activate') throw new MlosError('UNKNOWN_METHOD', method);
    const { channel_id: channelId } = params as unknown as { channel_id: number };
    const region = this.#requestRegions.get(channelId) as number;
    this.#requestRegions.delete(channelId);
    await this.#control.ask({ kind: 'activateChannel', channelId }, [region]);
    closeSync(region);
    socket.write(frame(encodeMsgpack([id, null, { status: 'success', channel_id: channelId }])));
  }

  async #attach(socket: Socket, id: number, params: AttachParams): Promise<void> {
    if (this.#refusal.times-- > 0) throw new MlosError(this.#refusal.code, 'As ordered.');
    const model = this.#models.get(params.model_id);
    if (model === undefined) throw new MlosError('MODEL_NOT_FOUND', `No ${params.model_id}.`);
    const channelId = ++this.#lastChannel;
    const { input_bytes = defaultArenaBytes, output_bytes = defaultArenaBytes } = params;
    const files = await createChannelFiles({
      channelId,
      requestArenaBytes: input_bytes,
      responseArenaBytes: output_bytes,
    });
    const hostFds = [files.responseRegion, files.bell, files.hostSocket];
    const open = { kind: 'openChannel', channelId, argument: model.handle } as const;
    await this.#control.ask(open, hostFds);
    const result = {
      status: 'success',
      channel_id: channelId,
      model_id: params.model_id,
      model_version: 'fake',
      plugin_id: 'fake',
      signature: model.signature,
      input_bytes,
      output_bytes,
      spin_us: spinUs,
    };
    const clientFds = [files.requestRegion, files.responseRegion, files.bell, files.clientSocket];
    const bytes = frame(encodeMsgpack([id, null, result]));
    sendDescriptors(descriptorOf(socket), bytes, clientFds.slice(0, this.#descriptors));
    this.#descriptors = 4;
    for (const fd of [files.responseRegion, files.bell, files.clientSocket, files.hostSocket]) {
      closeSync(fd);
    }
    this.#requestRegions.set(channelId, files.requestRegion);
    this.#channels.add(channelId);
  }
}

async function main(): Promise<void> {
  const [socketPath = '', ...models] = process.argv.slice(2);
  const control = new EngineControl();
  const engine = Engine.start(control.engineFd, { spinUs, reservedCpus: [], lockMemory: false });
  await control.start(spinUs);
  const added = new Map<string, AddedModel>();
  const ort = { library: ortLibrary(), intraOpThreads: 1 };
  for (const model of models) {
    const [id = '', file = ''] = model.split('=');
    added.set(id, await engine.addOnnxModel(file, ort, modelOptions));
  }
  const daemon = new FakeDaemon(engine, control, added);
  const report = (word: Report) => process.send?.(word);
  const server = createServer((socket) => daemon.serve(socket));
  server.listen(socketPath, () => report('ready'));
  process.on('message', (order) => daemon.obey(order as Order).then(() => report('done')));
}

if (process.argv[1] === import.meta.filename) await main();
