import type { AxonError } from '../axon-error.ts';
import { printable } from './format.ts';
import type { Progress } from './progress.ts';

const styles = {
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
  bold: [1, 22],
  dim: [2, 22],
} as const;
export type Style = keyof typeof styles;

export interface OutputOptions {
  readonly json: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly progress: Progress;
}

/** Results go to stdout, everything about the way there to stderr. With --json stdout is one document. */
export class Output {
  readonly json: boolean;
  readonly progress: Progress;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #colour: boolean;

  constructor({ json, env, stdout, stderr, progress }: OutputOptions) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
    const plain = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
    this.#colour = stdout.isTTY === true && !json && !plain;
    this.progress = progress;
  }

  paint(style: Style, text: string): string {
    if (!this.#colour) return text;
    const [on, off] = styles[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  }

  /** The result of a command: `value` with --json, else the lines. */
  result(value: object, lines: readonly string[]): void {
    this.#stdout.write(
      this.json ? `${JSON.stringify(value, null, 2)}\n` : lines.map((l) => `${l}\n`).join(''),
    );
  }

  /** Says what goes on, on stderr; nothing with --json. */
  note(text: string): void {
    if (!this.json) this.progress.aside(() => this.#stderr.write(`${printable(text)}\n`));
  }

  warn(text: string): void {
    this.progress.aside(() => this.#stderr.write(`axon: warning: ${printable(text)}\n`));
  }

  error(error: AxonError): void {
    this.progress.stop();
    const plain = printable(error.message.replace(/\s*\n\s*/g, ' '));
    this.#stderr.write(`axon: error: ${plain} [${error.code}]\n`);
    if (this.json) this.#stdout.write(`${JSON.stringify(error.toJson(), null, 2)}\n`);
  }
}
