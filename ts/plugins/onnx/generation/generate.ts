import { MlosError } from '../../../protocol/errors.ts';
import type { TokenLogprob } from '../../../protocol/tasks/generation-event.ts';
import type { RunOptions } from '../tasks/engine-call.ts';
import type { Decoder } from './decoder.ts';
import { logSumExp, Sampler, topTokens } from './sampler.ts';
import type { GenerationSettings } from './settings.ts';
import { type Decode, decodeAfter, TextStream } from './text-stream.ts';

export interface Written {
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  /** New tokens, with the one that ended the text. */
  readonly tokens: number;
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

function logprobOf(
  logits: Float32Array,
  token: number,
  top: number,
  textOf: (token: number) => string,
): TokenLogprob {
  const all = logSumExp(logits);
  const of = (one: number) => ({ token: textOf(one), logprob: (logits[one] as number) - all });
  return { ...of(token), top: topTokens(logits, top).map(of) };
}

/** Errors: INFERENCE_FAILED for a model whose numbers are none: any token would be a guess. */
function requireNumbers(logits: Float32Array, token: number): void {
  if (Number.isFinite(logits[token])) return;
  throw new MlosError('INFERENCE_FAILED', 'The model gave logits that are no numbers.');
}

/** Until enough tokens are there, one that ends the text is none to be chosen. */
function forbidEnds(logits: Float32Array, ends: ReadonlySet<number>): void {
  for (const end of ends) if (end < logits.length) logits[end] = Number.NEGATIVE_INFINITY;
}

/** One text while it is written. */
class Writing {
  readonly #prompt: readonly number[];
  readonly #settings: GenerationSettings;
  readonly #decode: Decode;
  readonly #stream: TextStream;
  readonly #sampler: Sampler;
  readonly #unsaid: Unsaid;
  readonly #seen: number[];
  readonly #logprobs: TokenLogprob[] = [];
  #count = 0;
  #ended = false;

  constructor(
    prompt: readonly number[],
    settings: GenerationSettings,
    decode: Decode,
    say: (saying: Saying) => void,
  ) {
    this.#prompt = prompt;
    this.#settings = settings;
    this.#decode = decode;
    this.#stream = new TextStream(decode, prompt, settings.stop);
    this.#sampler = new Sampler(settings.sampling);
    this.#unsaid = new Unsaid(say);
    this.#seen = [...prompt];
  }

  get goesOn(): boolean {
    return !this.#ended && this.#count < this.#settings.maxTokens;
  }

  /** From what the model thinks of the next token; answers that token. */
  take(logits: Float32Array): number {
    const { minTokens, ends, topLogprobs } = this.#settings;
    // Sampling changes them; what is told is what the model itself thinks.
    const given = topLogprobs === null ? null : logits.slice();
    if (this.#count < minTokens) forbidEnds(logits, ends);
    const token = this.#sampler.next(logits, this.#seen, this.#prompt.length);
    requireNumbers(logits, token);
    this.#count += 1;
    if (ends.has(token)) {
      this.#ended = true;
      return token;
    }
    const textOf = (one: number) => decodeAfter(this.#decode, this.#seen, one);
    const logprob = given === null ? null : logprobOf(given, token, topLogprobs ?? 0, textOf);
    if (logprob !== null) this.#logprobs.push(logprob);
    this.#unsaid.add(logprob);
    this.#seen.push(token);
    this.#unsaid.flush(this.#stream.push(token));
    this.#ended = this.#stream.stopped;
    return token;
  }

  end(): Written {
    this.#unsaid.flush(this.#stream.end());
    return {
      text: this.#stream.text,
      finishReason: this.#ended || this.#stream.stopped ? 'stop' : 'length',
      tokens: this.#count,
      logprobs: this.#settings.topLogprobs === null ? null : this.#logprobs,
    };
  }
}

/**
 * Writes on from a prompt, token by token, until the model or a stop text ends it or there are enough.
 * Errors: those of the decoder; CANCELLED between two tokens once nobody waits.
 */
export async function generate(
  decoder: Decoder,
  prompt: readonly number[],
  settings: GenerationSettings,
  around: RunOptions & { readonly decode: Decode; readonly say: (saying: Saying) => void },
): Promise<Written> {
  const writing = new Writing(prompt, settings, around.decode, around.say);
  let next: readonly number[] = prompt;
  while (writing.goesOn) {
    if (around.signal.aborted) {
      throw new MlosError('CANCELLED', 'The request was cancelled by its caller.');
    }
    next = [writing.take(await decoder.read(next, around))];
  }
  return writing.end();
}
