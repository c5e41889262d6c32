import Table from 'cli-table3';
import type { AxonError } from '../axon-error.ts';
import { printable } from './format.ts';
import { noProgress, type Progress, terminalProgress } from './progress.ts';

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
}

/** Results go to stdout, everything about the way there to stderr. With --json stdout is one document. */
export class Output {
  readonly json: boolean;
  readonly progress: Progress;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #colour: boolean;

  constructor({ json, env, stdout, stderr }: OutputOptions) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
    const plain = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
    this.#colour = stdout.isTTY === true && !json && !plain;
    this.progress = stderr.isTTY === true && !json ? terminalProgress(stderr) : noProgress;
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

  table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
    const table = new Table({
      head: head.map((text) => this.paint('bold', text)),
      style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
      chars: Object.fromEntries(
        [
          'top',
          'top-mid',
          'top-left',
          'top-right',
          'bottom',
          'bottom-mid',
          'bottom-left',
          'bottom-right',
        ]
          .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
          .map((name) => [name, '']),
      ),
    });
    table.push(...rows.map((row) => row.map(printable)));
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd());
  }
}
