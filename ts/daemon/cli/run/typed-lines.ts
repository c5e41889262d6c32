import { createInterface, type Interface } from 'node:readline';

/** Lines that a person types, with a prompt before each. What was pasted ahead waits for its turn. */
export class TypedLines {
  readonly #lines: Interface;
  readonly #waiting: string[] = [];
  #isOver = false;
  #deliver: ((line: string | null) => void) | null = null;

  constructor(
    streams: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream },
    /** Ctrl-C. */
    onInterrupt: () => void,
  ) {
    this.#lines = createInterface({ ...streams, terminal: true });
    this.#lines.on('line', (line) => {
      const deliver = this.#deliver;
      this.#deliver = null;
      if (deliver === null) this.#waiting.push(line);
      else deliver(line);
    });
    this.#lines.on('SIGINT', onInterrupt);
    this.#lines.on('close', () => {
      this.#isOver = true;
      this.#deliver?.(null);
      this.#deliver = null;
    });
  }

  /** The next line; null after Ctrl-D. */
  next(prompt: string): Promise<string | null> {
    const [line] = this.#waiting.splice(0, 1);
    if (line !== undefined) return Promise.resolve(line);
    if (this.#isOver) return Promise.resolve(null);
    this.#lines.setPrompt(prompt);
    this.#lines.prompt();
    return new Promise((resolve) => {
      this.#deliver = resolve;
    });
  }

  /** The line under way is thrown away and asked for again. */
  again(): void {
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#lines.prompt();
  }

  get isAsking(): boolean {
    return this.#deliver !== null;
  }

  close(): void {
    this.#lines.close();
  }
}
