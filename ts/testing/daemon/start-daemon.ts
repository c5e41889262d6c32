import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, connect } from '../../client/client.ts';
import { HttpCaller } from './http-call.ts';
import { becomes, processesWithEnvironment } from './processes.ts';

export const mlosProgram = join(import.meta.dirname, '../../daemon/main.js');

export interface DaemonExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface DaemonOptions {
  /** Arguments of `mlos serve` after the ones that say where everything lies. */
  readonly args?: readonly string[];
  /** The socket, where it is not `<place>/mlos.sock`. */
  readonly socketPath?: string;
  readonly port?: number;
  /** Beside the little that every daemon of a test gets. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A watchdog, not a measure. */
const startWatchdogMs = 30_000;

/** A real daemon process. Everything that it makes lies below one folder, its place. */
export class DaemonProcess {
  readonly place: string;
  readonly dataFolder: string;
  readonly socketPath: string;
  readonly exited: Promise<DaemonExit>;
  readonly #child: ChildProcess;
  readonly #clients: Client[] = [];
  #output = '';
  #exit: DaemonExit | null = null;
  #http: HttpCaller | null = null;

  constructor(place: string, options: DaemonOptions = {}) {
    this.place = place;
    this.dataFolder = join(place, 'data');
    this.socketPath = options.socketPath ?? join(place, 'mlos.sock');
    mkdirSync(join(place, 'tmp'), { recursive: true });
    const where = ['--data-dir', this.dataFolder, '--socket', this.socketPath];
    const port = ['--http-port', String(options.port ?? 0), '--grpc-port', '0'];
    this.#child = spawn(
      process.execPath,
      [mlosProgram, 'serve', ...where, ...port, ...(options.args ?? [])],
      {
        ...{ cwd: place, stdio: ['ignore', 'pipe', 'pipe'] },
        env: { ...environmentOf(place), ...options.env },
      },
    );
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The latest of what it wrote to its log. */
  get output(): string {
    return this.#output;
  }

  get exit(): DaemonExit | null {
    return this.#exit;
  }

  get http(): HttpCaller {
    this.#http ??= new HttpCaller(this.httpPort);
    return this.#http;
  }

  get httpPort(): number {
    return this.#state().http?.port ?? 0;
  }

  get grpcPort(): number {
    return this.#state().grpc?.port ?? 0;
  }

  /** A new connection to its socket, closed when the daemon is stopped here. */
  async connect(): Promise<Client> {
    const client = await connect({ socketPath: this.socketPath });
    this.#clients.push(client);
    return client;
  }

  /** Resolves when it serves. Rejects with its output where it ends instead. */
  async ready(): Promise<this> {
    const isUp = () => this.#exit !== null || this.#isServing();
    const inTime = await becomes(isUp, startWatchdogMs);
    if (!inTime || this.#exit !== null) {
      this.signal('SIGKILL');
      throw new Error(`The daemon did not start: ${JSON.stringify(this.#exit)}\n${this.#output}`);
    }
    return this;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it with a signal and waits until it has. */
  async end(name: NodeJS.Signals = 'SIGTERM'): Promise<DaemonExit> {
    this.#http?.close();
    await Promise.all(this.#clients.map((client) => client.close()));
    if (this.#exit === null) this.signal(name);
    return this.exited;
  }

  /** Processes of this place that run: the daemon and its plugins, or what they left behind. */
  processes(): number[] {
    return processesWithEnvironment(`TMPDIR=${join(this.place, 'tmp')}\0`);
  }

  /** The pids of its plugins. */
  plugins(): number[] {
    return this.processes().filter((pid) => pid !== this.pid);
  }

  #isServing(): boolean {
    return (
      existsSync(join(this.dataFolder, 'daemon.json')) && this.#state().pid === this.#child.pid
    );
  }

  #state(): {
    readonly pid: number;
    readonly http: { readonly port: number } | null;
    readonly grpc: { readonly port: number } | null;
  } {
    return JSON.parse(readFileSync(join(this.dataFolder, 'daemon.json'), 'utf8'));
  }

  #keep(chunk: Buffer): void {
    this.#output = (this.#output + chunk.toString()).slice(-100_000);
  }
}

/** No setting of the machine reaches the daemon, and all that it starts can be found again. */
export function environmentOf(place: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: place,
    TMPDIR: join(place, 'tmp'),
  };
}
