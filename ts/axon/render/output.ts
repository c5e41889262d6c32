import { randomBytes } from 'node:crypto';
import type { AxonError } from '../axon-error.ts';
import { printable } from './format.ts';
import type { Progress } from './progress.ts';
import { withoutPasswords } from './without-passwords.ts';

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
  readonly quiet: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly progress: Progress;
}

/** Whether a stream is for eyes: a terminal that was not told to be plain. */
export function wantsColour(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/**
 * Results go to stdout, everything about the way there to stderr. With --json stdout is one document and
 * every line of stderr is one event: {"event":"note"|"warning"|"error"|…, …}.
 */
export class Output {
  readonly json: boolean;
  readonly progress: Progress;
  readonly #quiet: boolean;
  readonly #warned = new Set<string>();
  /** Stands for the escape of our own colours, until what strangers wrote is harmless. Nobody can guess it. */
  readonly #escape = randomBytes(16).toString('hex');
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #colour: { readonly stdout: boolean; readonly stderr: boolean };

  constructor({ json, quiet, env, stdout, stderr, progress }: OutputOptions) {
    this.json = json;
    this.#quiet = quiet;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#colour = {
      stdout: !json && wantsColour(stdout, env),
      stderr: !json && wantsColour(stderr, env),
    };
    this.progress = progress;
  }

  paint(style: Style, text: string): string {
    return this.#colour.stdout ? painted(style, text, this.#escape) : text;
  }

  /** The result of a command: `value` with --json, else the lines. */
  result(value: object, lines: readonly string[]): void {
    if (this.json) this.text([JSON.stringify(value, null, 2)]);
    else this.text(lines.map((line) => printable(line).replaceAll(this.#escape, '\u001b')));
  }

  /** A result that has one form only, --json or not. */
  text(lines: readonly string[]): void {
    this.#stdout.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Says what goes on, on stderr. */
  note(text: string): void {
    const shown = withoutPasswords(text);
    if (!this.#quiet) this.#say('note', shown, printable(shown));
  }

  /** Each warning once: what several steps of one command come upon is one thing to look after. */
  warn(warning: string): void {
    const text = withoutPasswords(warning);
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#say('warning', text, `axon: ${this.#onErr('yellow', 'warning:')} ${printable(text)}`);
  }

  error(error: AxonError): void {
    this.progress.stop();
    const message = withoutPasswords(error.message);
    if (this.json) {
      this.#stderr.write(event('error', { code: error.code, text: message }));
      this.text([withoutPasswords(JSON.stringify(error.toJson(), null, 2))]);
      return;
    }
    const plain = printable(message.replace(/\s*\n\s*/g, ' '));
    this.#stderr.write(`axon: ${this.#onErr('red', 'error:')} ${plain} [${error.code}]\n`);
  }

  #onErr(style: Style, text: string): string {
    return this.#colour.stderr ? painted(style, text) : text;
  }

  #say(kind: string, text: string, line: string): void {
    const written = this.json ? event(kind, { text }) : `${line}\n`;
    this.progress.aside(() => this.#stderr.write(written));
  }
}

function painted(style: Style, text: string, start = '\u001b'): string {
  const [on, off] = styles[style];
  return `${start}[${on}m${text}${start}[${off}m`;
}

/** One line of the event stream. */
export function event(kind: string, fields: object): string {
  return `${JSON.stringify({ event: kind, ...fields })}\n`;
}
