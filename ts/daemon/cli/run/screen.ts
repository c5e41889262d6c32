/** Where an answer goes. */
export interface Screen {
  readonly out: { write(text: string): unknown };
  /** What a model thinks, and remarks; null: nowhere. */
  readonly aside: { write(text: string): unknown } | null;
}

/**
 * An answer as it comes: what is thought stands on lines of its own. The line breaks around it go where the thoughts
 * go, so that what is kept of the answer is what was said.
 */
export class Telling {
  readonly #screen: Screen | undefined;
  #last: 'thought' | 'said' | null = null;
  #isMidLine = false;
  /** Of what was said. */
  #isOpen = false;
  #hasSpoken = false;

  constructor(screen: Screen | undefined) {
    this.#screen = screen;
  }

  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  think(text: string): void {
    const aside = this.#screen?.aside ?? null;
    if (text === '' || aside === null) return;
    this.#change('thought', text);
    aside.write(text);
  }

  say(text: string): void {
    if (text === '') return;
    this.#change('said', text);
    this.#hasSpoken = true;
    this.#isOpen = !text.endsWith('\n');
    this.#screen?.out.write(text);
  }

  /** Whatever comes next begins a line. */
  end(): void {
    if (this.#last === 'thought' && this.#isMidLine) this.#screen?.aside?.write('\n');
    if (this.#isOpen) this.#screen?.out.write('\n');
    [this.#last, this.#isMidLine, this.#isOpen] = [null, false, false];
  }

  #change(to: 'thought' | 'said', text: string): void {
    const isChange = this.#last !== null && this.#last !== to;
    if (isChange && this.#isMidLine) this.#screen?.aside?.write('\n');
    this.#last = to;
    this.#isMidLine = !text.endsWith('\n');
  }
}
