import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AttachedModel,
  type AttachOptions,
  type Client,
  connect,
} from '../../client/client.ts';
import { withFolder } from '../conformance/fake-doors.ts';
import type { Order } from './fake-daemon.ts';

/** A fake daemon's process, with models by id. */
export class FakeAttachDaemon {
  readonly socketPath: string;
  readonly #folder: string;
  readonly #models: readonly string[];
  #child: ChildProcess | null = null;

  constructor(folder: string, models: readonly string[]) {
    this.#folder = folder;
    this.socketPath = join(folder, 'mlos.sock');
    this.#models = models;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    await rm(this.socketPath, { force: true });
    const program = join(import.meta.dirname, 'fake-daemon.js');
    this.#child = fork(program, [this.socketPath, ...this.#models], { cwd: this.#folder });
    await this.#word('ready');
  }

  async order(order: Order): Promise<void> {
    this.#child?.send(order);
    await this.#word('done');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Its next report, which has to be this one. */
  async #word(word: string): Promise<void> {
    const child = this.#child as ChildProcess;
    const ended = once(child, 'exit').then(() => ['it ended']);
    const [said] = await Promise.race([once(child, 'message'), ended]);
    if (said !== word) throw new Error(`The fake daemon says ${said} instead of ${word}.`);
  }
}

export interface FakeSetting {
  readonly daemon: FakeAttachDaemon;
  readonly client: Client;
  attach(id: string, options?: AttachOptions): Promise<AttachedModel>;
}

/** Runs `body` with a fake daemon that has these models, and a client that is closed after it. */
export async function withFakeDaemon(
  models: Readonly<Record<string, Uint8Array>>,
  body: (setting: FakeSetting) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const args: string[] = [];
    for (const [id, bytes] of Object.entries(models)) {
      const file = `${encodeURIComponent(id)}.onnx`;
      await writeFile(join(folder, file), bytes);
      args.push(`${id}=${join(folder, file)}`);
    }
    const daemon = new FakeAttachDaemon(folder, args);
    await daemon.start();
    try {
      const client = await connect({ socketPath: daemon.socketPath });
      const attach = (id: string, options: AttachOptions = {}) => client.attach(id, options);
      try {
        await body({ daemon, client, attach });
      } finally {
        await client.close();
      }
    } finally {
      await daemon.kill();
    }
  });
}
