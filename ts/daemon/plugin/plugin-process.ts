import { closeSync } from 'node:fs';
import type { Logger } from 'pino';
import { socketPair } from '../../native/fd-socket.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits as protocolLimits } from '../../protocol/limits.ts';
import { smiVersion } from '../../protocol/version.ts';
import { type EngineSettingsWire, engineFileDescriptor } from '../../smi/contract.ts';
import type { Hello } from '../../smi/from-plugin.ts';
import type { Clock, Timer } from './clock.ts';
import type { PluginDescriptor } from './descriptor.ts';
import { controlSocketClosed } from './engine/engine-control.ts';
import type { ChannelIds, EngineSettings } from './engine/engine-settings.ts';
import { HostEngine } from './engine/host-engine.ts';
import { watchExit } from './exit-watch.ts';
import type { HostLimits } from './host-limits.ts';
import { Link } from './link.ts';
import { LogMirror } from './log-mirror.ts';
import {
  type Environment,
  killGroup,
  killOrphans,
  type SpawnedPlugin,
  spawnPlugin,
} from './spawn.ts';

export interface Death {
  /** The same without its last output, which may tell of other clients' requests; left out: there is none. */
  readonly exit?: string;
  readonly reason: string;
  /** Starting it again would not help: it speaks another major version. */
  readonly permanent: boolean;
}

export interface ProcessOptions {
  readonly descriptor: PluginDescriptor;
  readonly hostId: string;
  readonly logger: Logger;
  readonly limits: HostLimits;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly engine: EngineSettings;
  readonly channelIds: ChannelIds;
  /** Said hello and took `initialize`; its engine, where it wants one, has started. */
  readonly onGreeted: (hello: Hello) => void;
  /** Once. Whatever it had sent before it died has been read by then. */
  readonly onDeath: (death: Death) => void;
}

function ignore(): void {}

function engineParams(settings: EngineSettings): EngineSettingsWire {
  return {
    control_fd: engineFileDescriptor,
    spin_us: settings.spinUs,
    reserved_cpus: settings.reservedCpus,
    lock_memory: settings.lockMemory,
  };
}

/** One run of a plugin's program, from spawn to death. Knows no queue, no models and no restarts. */
export class PluginProcess {
  readonly link: Link;
  /** Settles when the process has been reaped. */
  readonly exited: Promise<void>;
  readonly #options: ProcessOptions;
  readonly #spawned: SpawnedPlugin;
  readonly #stderr: LogMirror;
  readonly #stopWatch: () => void;
  /** Null where the plugin has none. */
  #engine: HostEngine | null;
  #startTimer: Timer | null;
  #settleTimer: Timer | null = null;
  #exit: string | null = null;
  #dead = false;

  /** Throws where the program cannot even be tried. */
  constructor(options: ProcessOptions) {
    const { limits, clock, logger } = options;
    this.#options = options;
    const [engineFd, theirFd] = socketPair('seqpacket');
    try {
      this.#spawned = spawnPlugin(options.descriptor, options.environment, theirFd);
    } catch (error) {
      closeSync(engineFd);
      throw error;
    } finally {
      closeSync(theirFd);
    }
    this.#engine = new HostEngine({
      controlFd: engineFd,
      settings: options.engine,
      ids: options.channelIds,
      clock,
      timeoutMs: limits.pluginStartMs,
      onBroken: (reason) => this.#onEngineBroken(reason),
    });
    const { child, socket, stdout, stderr } = this.#spawned;
    const mirror = (level: 'info' | 'warn') =>
      new LogMirror({
        limits,
        clock,
        emit: (line) => logger[level]({ pluginPid: child.pid }, line),
      });
    mirror('info').read(stdout);
    this.#stderr = mirror('warn');
    this.#stderr.read(stderr);
    this.link = new Link(socket, {
      hello: (hello) => this.#initialize(hello),
      violated: (error) => this.#violated(error),
    });
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
        killOrphans(child.pid);
        this.signOfDeath();
        resolve();
      });
      child.once('error', (error) => {
        if (child.pid === undefined) resolve();
        this.kill(`could not be started: ${error.message}`);
      });
    });
    child.once('close', () => this.#finish());
    socket.on('error', () => this.signOfDeath());
    socket.once('close', () => this.signOfDeath());
    this.#stopWatch = watchExit(child.pid, () => this.signOfDeath());
    this.#startTimer = clock.after(limits.pluginStartMs, () => {
      this.kill(`did not say hello within ${limits.pluginStartMs} ms`);
    });
  }

  get pid(): number | null {
    return this.#spawned.child.pid ?? null;
  }

  /** SIGKILL, now; counts as its death for `reason`. */
  kill(reason: string, permanent = false): void {
    killGroup(this.#spawned.child);
    this.#finish({ reason, permanent });
  }

  get engine(): HostEngine | null {
    return this.#engine;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Dead, or seen to be dying: what is sent to it now would be lost. */
  get dying(): boolean {
    return this.#dead || this.#settleTimer !== null;
  }

  /** Asks it to end, and makes it after pluginStopMs. */
  async terminate(): Promise<void> {
    const { clock, limits } = this.#options;
    this.link.request('cleanup', {}, () => undefined);
    this.#spawned.child.kill('SIGTERM');
    const timer = clock.after(limits.pluginStopMs, () => {
      this.kill(`did not end within ${limits.pluginStopMs} ms of SIGTERM`);
    });
    await this.exited;
    timer.cancel();
    this.#finish();
  }

  #initialize(hello: Hello): void {
    const wantsEngine = hello.engine === true;
    if (!wantsEngine) {
      this.#engine?.close();
      this.#engine = null;
    }
    const engine = wantsEngine ? { engine: engineParams(this.#options.engine) } : {};
    const params = { smi_version: smiVersion, host_id: this.#options.hostId, ...engine };
    const started = this.#engine?.start();
    this.link.request('initialize', params, (error) => {
      if (error !== null) this.kill(`refused to initialize: ${error.message}`);
      else if (started === undefined) this.#greeted(hello);
      else started.then(() => this.#greeted(hello), ignore);
    });
    started?.catch((thrown: unknown) => {
      this.kill(`did not start its engine: ${MlosError.from(thrown).message}`);
    });
  }

  #greeted(hello: Hello): void {
    this.#startTimer?.cancel();
    this.#startTimer = null;
    if (!this.#dead) this.#options.onGreeted(hello);
  }

  /** Its end of the control socket closes when it dies; anything else is its fault. */
  #onEngineBroken(reason: string): void {
    if (reason === controlSocketClosed) this.signOfDeath();
    else this.kill(reason);
  }

  #violated(error: MlosError): void {
    const permanent = error.code === 'UNIMPLEMENTED';
    this.kill(permanent ? error.message : `broke the contract: ${error.message}`, permanent);
  }

  /**
   * The socket's end, the exit and the closing of its output come in any order. The rest of what it
   * sent and the exit code arrive within milliseconds; they are waited for that long and no longer.
   */
  signOfDeath(): void {
    if (this.#dead || this.#settleTimer !== null) return;
    this.#settleTimer = this.#options.clock.after(this.#options.limits.deathSettleMs, () => {
      // One turn of the loop, so that what already lies in the socket is read first.
      setImmediate(() => this.#finish());
    });
  }

  #finish(death?: Death): void {
    if (this.#dead) return;
    this.#dead = true;
    killGroup(this.#spawned.child);
    this.#startTimer?.cancel();
    this.#settleTimer?.cancel();
    this.#stopWatch();
    this.link.close();
    const exit = this.#exit ?? 'closed its socket';
    this.#options.onDeath(death ?? { reason: this.#lastWords(exit), exit, permanent: false });
    // Afterwards: what had been begun is read from its channels.
    this.#engine?.close();
  }

  #lastWords(exit: string): string {
    const words = this.#stderr.last;
    const text = words === '' ? exit : `${exit}; its last output: ${words}`;
    return text.slice(0, protocolLimits.reasonLength);
  }
}
