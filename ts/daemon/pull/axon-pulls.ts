import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Pull, Pulled, PulledFile, Puller, PullSource } from '../doors/ollama/puller.ts';
import { eachEvent, fileOf, isFault, pulledOf, totalOf } from './axon-events.ts';

/** The program; from `dist/daemon/pull/` as from `ts/daemon/pull/`. */
const axonProgram = fileURLToPath(new URL('../../../dist/axon/main.js', import.meta.url));

interface PullOptions {
  readonly enabled: boolean;
  readonly maxBytes: number;
  /** Where it is run: a folder without files that names could mean. */
  readonly folder: string;
  readonly logger: Logger;
}

/** `--` is not needed: a source begins with the name of a hub. */
function argumentsOf({ source, variant, as }: PullSource): string[] {
  return [
    ...[axonProgram, 'install', source, '--json', '--no-register'],
    ...(variant === null ? [] : [`--variant=${variant}`]),
    ...(as === null ? [] : [`--as=${as}`]),
  ];
}

/**
 * Brings models by running axon, one process for each: what hubs send is read there, under the rules of axon's
 * own command line, and with its configuration.
 */
export class AxonPulls implements Puller {
  readonly #options: PullOptions;
  readonly #running = new Set<RunningPull>();

  constructor(options: PullOptions) {
    this.#options = options;
  }

  start(source: PullSource, onFile: (file: PulledFile) => void): Pull {
    if (!this.#options.enabled) {
      throw new MlosError(
        'PERMISSION_DENIED',
        `This daemon fetches no models (pulls.enabled is false). On its host: axon install ${source.source} --register`,
      );
    }
    if (this.#running.size >= limits.pulls) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${limits.pulls} models are being pulled already; that is the limit. Try again later.`,
      );
    }
    const pull = new RunningPull(source, onFile, this.#options);
    this.#running.add(pull);
    const over = () => this.#running.delete(pull);
    pull.done.then(over, over);
    return pull;
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    const all = [...this.#running];
    for (const pull of all) pull.stop();
    await Promise.allSettled(all.map((pull) => pull.done));
  }
}

class RunningPull implements Pull {
  readonly done: Promise<Pulled>;
  readonly #child: ChildProcess;
  readonly #maxBytes: number;
  #refusal: MlosError | null = null;
  #patience: NodeJS.Timeout | undefined;

  constructor(
    source: PullSource,
    onFile: (file: PulledFile) => void,
    { maxBytes, folder, logger }: PullOptions,
  ) {
    this.#maxBytes = maxBytes;
    // Its own group: a Ctrl-C in the daemon's terminal is the daemon's.
    const child = spawn(process.execPath, argumentsOf(source), {
      ...{ cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    });
    this.#child = child;
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length <= limits.pullAnswerLength) return;
      stdout = '';
      this.#refuse(new MlosError('INTERNAL', 'axon answered more than an answer may have.'));
    });
    if (child.stderr !== null) {
      eachEvent(child.stderr, (event) => {
        this.#measure(totalOf(event));
        const file = fileOf(event);
        if (file !== null) onFile(file);
        else if (event['event'] === 'warning') logger.warn({ source, said: event }, 'pull');
      });
    }
    this.done = new Promise((resolve, reject) => {
      child.once('error', (cause) => {
        reject(new MlosError('INTERNAL', 'axon could not be started.', { cause }));
      });
      child.once('close', () => {
        clearTimeout(this.#patience);
        try {
          if (this.#refusal !== null) throw this.#refusal;
          resolve(pulledOf(stdout));
        } catch (thrown) {
          const error = MlosError.from(thrown);
          if (isFault(error)) logger.error({ source, err: error }, 'pull failed');
          reject(error);
        }
      });
    });
    // Whoever has left does not take it.
    this.done.catch(() => undefined);
  }

  stop(): void {
    this.#refuse(new MlosError('CANCELLED', 'The pull was ended before the model was whole.'));
  }

  #measure(bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    this.#refuse(
      new MlosError(
        'PAYLOAD_TOO_LARGE',
        `The model has ${bytes} bytes; pulls.max_bytes is ${this.#maxBytes}.`,
        { details: { limit: this.#maxBytes } },
      ),
    );
  }

  /** axon leaves nothing half made when it is asked to end; one that does not hear is killed. */
  #refuse(why: MlosError): void {
    const child = this.#child;
    if (this.#refusal !== null || child.exitCode !== null || child.signalCode !== null) return;
    this.#refusal = why;
    child.kill('SIGTERM');
    this.#patience = setTimeout(() => child.kill('SIGKILL'), limits.pullStopMs);
  }
}
