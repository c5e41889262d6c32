import { MlosError } from '../../protocol/errors.ts';
import type { TokenLogprob } from '../../protocol/tasks/generation-event.ts';
import { checkBias } from './bias.ts';
import { partOfCharacter } from './part-of-character.ts';
import { logSumExp, Sampler, topTokens } from './sampler.ts';
import type { GenerationSettings } from './settings.ts';
import { type Decode, decodeAfter } from './text-stream.ts';
import { type Saying, Writing, type Written } from './writing.ts';

function logprobOf(
  logits: Float32Array,
  token: number,
  top: number,
  asText: (token: number) => Pick<TokenLogprob, 'token' | 'bytes'>,
): TokenLogprob {
  const all = logSumExp(logits);
  const of = (one: number) => ({ ...asText(one), logprob: (logits[one] as number) - all });
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

/** Chooses tokens from what a model thinks of them. */
class Chooser {
  readonly #prompt: readonly number[];
  readonly #settings: GenerationSettings;
  readonly #decode: Decode;
  readonly #sampler: Sampler;

  constructor(prompt: readonly number[], settings: GenerationSettings, decode: Decode) {
    this.#prompt = prompt;
    this.#settings = settings;
    this.#decode = decode;
    this.#sampler = new Sampler(settings.sampling);
  }

  next(logits: Float32Array, { seen, mayEnd }: Writing) {
    const { ends, topLogprobs, constraints } = this.#settings;
    // Sampling changes them; what is told is what the model itself thinks.
    const given = topLogprobs === null ? null : logits.slice();
    if (!mayEnd) forbidEnds(logits, ends);
    checkBias(this.#settings.sampling.bias, logits.length);
    for (const constrain of constraints) constrain(logits, seen);
    const token = this.#sampler.next(logits, seen, this.#prompt.length);
    requireNumbers(logits, token);
    const asText = (one: number) => {
      const bytes = partOfCharacter(this.#decode, one);
      const text = decodeAfter(this.#decode, seen, one);
      return bytes === null ? { token: text } : { token: text, bytes };
    };
    const logprob = given === null ? null : logprobOf(given, token, topLogprobs ?? 0, asText);
    return { token, logprob };
  }
}

/** Errors: CANCELLED. */
export function requireListener(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new MlosError('CANCELLED', 'The request was cancelled by its caller.');
}

/**
 * Writes on from a prompt, token by token, until the model or a stop text ends it or there are enough.
 * `read` takes the tokens that are new and answers the logits of the next one.
 * Errors: those of `read`; CANCELLED between two tokens once nobody waits.
 */
export async function generate(
  prompt: readonly number[],
  settings: GenerationSettings,
  around: {
    read(tokens: readonly number[]): Promise<Float32Array>;
    readonly decode: Decode;
    say(saying: Saying): void;
    readonly signal: AbortSignal;
  },
): Promise<Written> {
  const writing = new Writing(prompt, settings, around.decode, around.say);
  const chooser = new Chooser(prompt, settings, around.decode);
  let next: readonly number[] = prompt;
  while (writing.goesOn) {
    requireListener(around.signal);
    const { token, logprob } = chooser.next(await around.read(next), writing);
    writing.accept(token, logprob);
    next = [token];
  }
  return writing.end();
}
