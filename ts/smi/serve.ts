import { Socket } from 'node:net';
import { FrameReader } from '../protocol/frame.ts';
import { decodeMsgpack } from '../protocol/msgpack.ts';
import { smiVersion } from '../protocol/version.ts';
import { smiFileDescriptor } from './contract.ts';
import { encodeFrame, sendFrame } from './frame-encoding.ts';
import { dieWithParent } from './parent-death.ts';
import { answerCall } from './plugin-calls.ts';
import type { PluginDefinition } from './plugin-definition.ts';
import { smiLimits } from './smi-limits.ts';
import { TaskCalls } from './task-calls.ts';

// What an author needs beside: this file is the package's entry `mlos/smi`.
export { type Dtype, dtypeNames } from '../protocol/dtype.ts';
export { MlosError } from '../protocol/errors.ts';
export { type TaskName, taskNames } from '../protocol/tasks/task.ts';
export { type Signature, Tensor, type TensorSpec } from '../protocol/tensor.ts';
export type { LoadedModel, ModelReference } from './contract.ts';
export type { TaskEntry } from './from-plugin-schemas.ts';
export type {
  PluginContext,
  PluginDefinition,
  PluginInferRequest,
  PluginTaskRequest,
} from './plugin-definition.ts';

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

/**
 * One plugin at work: calls are begun in the order they came, at most `concurrency` at a time. An
 * idle plugin sleeps in the kernel; a plugin whose daemon is gone ends.
 */
class PluginServer {
  readonly #definition: PluginDefinition;
  readonly #socket: Socket;
  readonly #waiting: Call[] = [];
  readonly #tasks: TaskCalls;
  #running = 0;
  #closing = false;
  #cleanedUp = false;

  constructor(definition: PluginDefinition, socket: Socket) {
    this.#definition = definition;
    this.#socket = socket;
    this.#tasks = new TaskCalls(
      definition,
      (pieces) => sendFrame(socket, pieces),
      () => this.#pump(),
    );
    const reader = new FrameReader({
      maxBytes: smiLimits.frameBytes,
      onFrame: (payload) => this.#onMessage(decodeMsgpack(payload)),
    });
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    // The daemon is gone: nobody waits for an answer any more.
    socket.on('error', () => process.exit(0));
    socket.on('close', () => process.exit(0));
    process.on('SIGTERM', () => {
      this.#closing = true;
      this.#pump();
    });
    // A terminal's Ctrl-C is meant for the daemon, which then stops its plugins in order.
    process.on('SIGINT', () => undefined);
  }

  hello(): void {
    const { name, version, frameworks = [], formats, dtypes, runner } = this.#definition;
    const facts = { name, version, frameworks, formats, dtypes };
    const concurrency = this.#definition.concurrency ?? 1;
    const engine = this.#definition.engine === true;
    const more = {
      smi_version: smiVersion,
      runner: runner ?? `${name} ${version}`,
      concurrency,
      ...(engine ? { engine } : {}),
    };
    sendFrame(this.#socket, encodeFrame([0, 'hello', { ...facts, ...more }]));
  }

  #onMessage(message: unknown): void {
    const [id, method, params] = message as [number, string, unknown];
    const call = { id, method, params };
    if (method === 'run_task' || method === 'cancel_task') {
      this.#tasks.take(id, method, params);
      return;
    }
    if (method === 'health') {
      void this.#answer(call);
      return;
    }
    this.#waiting.push(call);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < (this.#definition.concurrency ?? 1)) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      this.#running += 1;
      void this.#answer(call).then(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
    if (this.#closing && this.#running === 0 && this.#tasks.idle) void this.#end();
  }

  async #answer({ id, method, params }: Call): Promise<void> {
    if (method === 'cleanup') this.#cleanedUp = true;
    sendFrame(this.#socket, await answerCall(this.#definition, id, method, params));
  }

  async #end(): Promise<void> {
    if (!this.#cleanedUp) await answerCall(this.#definition, 0, 'cleanup', {});
    // What is still on its way to the daemon goes first; the socket's close then ends the process.
    this.#socket.end(() => process.exit(0));
  }
}

/**
 * Makes this process a plugin: says hello on file descriptor 3 and serves until the daemon closes it
 * or sends SIGTERM. Started by hand, without a daemon, it says so and ends.
 */
export function servePlugin(definition: PluginDefinition): void {
  let socket: Socket;
  try {
    socket = new Socket({ fd: smiFileDescriptor, readable: true, writable: true });
  } catch {
    process.stderr.write(
      `${definition.name} ${definition.version} is an MLOS plugin: the daemon starts it, with a ` +
        `socket at file descriptor ${smiFileDescriptor}. Register its folder with the daemon.\n`,
    );
    process.exit(64);
  }
  dieWithParent();
  new PluginServer(definition, socket).hello();
}
