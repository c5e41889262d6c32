import type { TokenLogprob } from '../../protocol/tasks/generation-event.ts';
import type { GenerationSettings } from './settings.ts';
import { type Decode, TextStream } from './text-stream.ts';

export interface Written {
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  /** New tokens, with the one that ended the text. */
  readonly tokens: number;
  /** These, without it. */
  readonly ids: readonly number[];
  readonly logprobs: readonly TokenLogprob[] | null;
}

export interface Saying {
  readonly text: string;
  readonly tokens: number;
  readonly logprobs: readonly TokenLogprob[];
}

/** What was not said yet, because it is no whole text. */
class Unsaid {
  #tokens = 0;
  #logprobs: TokenLogprob[] = [];
  readonly #say: (saying: Saying) => void;

  constructor(say: (saying: Saying) => void) {
    this.#say = say;
  }

  add(logprob: TokenLogprob | null): void {
    this.#tokens += 1;
    if (logprob !== null) this.#logprobs.push(logprob);
  }

  flush(text: string): void {
    if (text === '') return;
    this.#say({ text, tokens: this.#tokens, logprobs: this.#logprobs });
    this.#tokens = 0;
    this.#logprobs = [];
  }
}

/** One text while it is written, whoever chooses its tokens. */
export class Writing {
  readonly #settings: GenerationSettings;
  readonly #stream: TextStream;
  readonly #unsaid: Unsaid;
  readonly #seen: number[];
  readonly #promptLength: number;
  readonly #logprobs: TokenLogprob[] = [];
  #count = 0;
  #ended = false;

  constructor(
    prompt: readonly number[],
    settings: GenerationSettings,
    decode: Decode,
    say: (saying: Saying) => void,
  ) {
    this.#settings = settings;
    this.#stream = new TextStream(decode, prompt, settings.stop);
    this.#unsaid = new Unsaid(say);
    this.#seen = [...prompt];
    this.#promptLength = prompt.length;
  }

  get goesOn(): boolean {
    return !this.#ended && this.#count < this.#settings.maxTokens;
  }

  /** Whether a token may end the text already. */
  get mayEnd(): boolean {
    return this.#count >= this.#settings.minTokens;
  }

  /** What was said so far. */
  get text(): string {
    return this.#stream.text;
  }

  /** The text is whole, whatever the model thinks. */
  stop(): Written {
    this.#ended = true;
    return this.end();
  }

  /** The prompt and what was written. */
  get seen(): readonly number[] {
    return this.#seen;
  }

  accept(token: number, logprob: TokenLogprob | null = null): void {
    this.#count += 1;
    if (this.#settings.ends.has(token)) {
      this.#ended = true;
      return;
    }
    if (logprob !== null) this.#logprobs.push(logprob);
    this.#unsaid.add(logprob);
    this.#seen.push(token);
    this.#unsaid.flush(this.#stream.push(token));
    this.#ended = this.#stream.stopped;
  }

  end(): Written {
    this.#unsaid.flush(this.#stream.end());
    return {
      text: this.#stream.text,
      finishReason: this.#ended || this.#stream.stopped ? 'stop' : 'length',
      tokens: this.#count,
      ids: this.#seen.slice(this.#promptLength),
      logprobs: this.#settings.topLogprobs === null ? null : this.#logprobs,
    };
  }
}
