import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A client in a process of its own (`*-client.ts` in this folder), which reports by messages. */
export class Program<Report> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  #onReport: (report: Report) => void = () => undefined;
  #output = '';

  /** `facts` are JSON, read by `factsOf()`. */
  constructor(file: string, facts: unknown, onReport?: (report: Report) => void) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#child = fork(path, [JSON.stringify(facts)], {
      execArgv: ['--enable-source-maps', '--max-semi-space-size=4'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    if (onReport !== undefined) this.#onReport = onReport;
    this.#child.on('message', (report) => this.#onReport(report as Report));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-10_000);
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(signal ?? String(code)));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote to its standard streams. */
  get output(): string {
    return this.#output;
  }

  onReport(listener: (report: Report) => void): void {
    this.#onReport = listener;
  }

  tell(message: string): void {
    if (this.#child.connected) this.#child.send(message);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Its exit code or signal. */
  ended(): Promise<string> {
    return this.#ended;
  }
}

/** In the program: what it was started with. */
export function factsOf<T>(): T {
  return JSON.parse(process.argv[2] ?? 'null') as T;
}

export function report(message: object): void {
  process.send?.(message);
}
