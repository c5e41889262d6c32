import { randomInt } from 'node:crypto';
import { MlosError } from '../../protocol/errors.ts';
import { type Constraint, packagedConstraints } from './constraints.ts';

type Fields = Readonly<Record<string, unknown>>;

/** How the next token is chosen. */
export interface Sampling {
  /** 0: the likeliest, always. */
  readonly temperature: number;
  /** 0: all. */
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly typicalP: number;
  readonly repetitionPenalty: number;
  /** Tokens that penalties look back at; -1: all. */
  readonly lookBack: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly bias: readonly { readonly token: number; readonly bias: number }[];
  readonly seed: number;
}

export interface GenerationSettings {
  readonly sampling: Sampling;
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly stop: readonly string[];
  /** What may not come next, whatever the model thinks. */
  readonly constraints: readonly Constraint[];
  /** Tokens that end the text. */
  readonly ends: ReadonlySet<number>;
  /** Null: no log probabilities; else so many of the likeliest beside the chosen one's. */
  readonly topLogprobs: number | null;
}

/** New tokens of a text that goes on, where neither the request nor the package says: as the field's pipeline has it. */
const defaultNewTokens = 256;
const seeds = 2 ** 47;
/** Below it, logits divided by the temperature pass what a float32 holds: the likeliest is meant. */
const leastTemperature = 1e-4;

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The request's word, else the package's. A request that asks for a choice does not want the likeliest. */
function samplingOf(given: Fields, packaged: Fields): Sampling {
  const pick = (key: string) => numberOf(given[key]) ?? numberOf(packaged[key]);
  const narrows = ['top_k', 'top_p', 'min_p', 'typical_p'].some((key) => given[key] !== undefined);
  const samples = narrows || packaged['do_sample'] === true;
  const bias = given['logit_bias'];
  const temperature = numberOf(given['temperature']) ?? (samples ? (pick('temperature') ?? 1) : 0);
  return {
    temperature: temperature < leastTemperature ? 0 : temperature,
    topK: pick('top_k') ?? 0,
    topP: pick('top_p') ?? 1,
    minP: pick('min_p') ?? 0,
    typicalP: pick('typical_p') ?? 1,
    repetitionPenalty: pick('repetition_penalty') ?? 1,
    lookBack: numberOf(given['repeat_last_n']) ?? -1,
    presencePenalty: numberOf(given['presence_penalty']) ?? 0,
    frequencyPenalty: numberOf(given['frequency_penalty']) ?? 0,
    bias: Array.isArray(bias) ? bias : [],
    seed: numberOf(given['seed']) ?? randomInt(seeds),
  };
}

export interface PromptFacts {
  readonly tokens: number;
  /** Messages, to which a reply is wanted. */
  readonly isConversation: boolean;
}

/** Errors: INVALID_VALUE for a length that the prompt alone has. */
function newTokens(
  given: Fields,
  packaged: Fields,
  { tokens: prompt, isConversation }: PromptFacts,
): number {
  const max = numberOf(given['max_tokens']);
  const length = numberOf(given['max_length']);
  if (length !== undefined) {
    if (length <= prompt) {
      throw new MlosError(
        'INVALID_VALUE',
        `max_length is ${length} tokens, but the prompt alone has ${prompt}; give a larger one, or max_tokens, which counts new tokens only.`,
      );
    }
    return Math.min(max ?? Number.POSITIVE_INFINITY, length - prompt);
  }
  if (max !== undefined) return max;
  const packagedNew = numberOf(packaged['max_new_tokens']);
  if (packagedNew !== undefined) return packagedNew;
  // A reply ends where the model ends it.
  if (isConversation) return Number.POSITIVE_INFINITY;
  const packagedLength = numberOf(packaged['max_length']) ?? 0;
  return packagedLength > prompt ? packagedLength - prompt : defaultNewTokens;
}

/** min_length counts the prompt. */
function fewestTokens(packaged: Fields, prompt: number): number {
  const length = numberOf(packaged['min_length']) ?? 0;
  return Math.max(numberOf(packaged['min_new_tokens']) ?? 0, length - prompt, 0);
}

/**
 * What a request wants of a prompt of so many tokens.
 * Errors: INVALID_VALUE for a prompt that the model has no room for.
 */
export function generationSettings(
  given: Fields,
  model: {
    /** What the model's package says of sampling and lengths, in the words of generation_config.json. */
    readonly packaged: Fields;
    /** Tokens that end a text. */
    readonly ends: ReadonlySet<number>;
    /** Tokens of prompt and answer together. */
    readonly context: number;
  },
  prompt: PromptFacts,
): GenerationSettings {
  const { packaged, ends, context } = model;
  const { tokens } = prompt;
  if (tokens >= context) {
    throw new MlosError(
      'INVALID_VALUE',
      `The prompt has ${tokens} tokens, and the model reads and writes at most ${context} in all; shorten it by ${tokens - context + 1} or more.`,
      { details: { prompt_tokens: tokens, context_length: context } },
    );
  }
  const stop = given['stop'];
  const wantsLogprobs = given['logprobs'] === true || given['top_logprobs'] !== undefined;
  return {
    sampling: samplingOf(given, packaged),
    maxTokens: Math.min(newTokens(given, packaged, prompt), context - tokens),
    minTokens: numberOf(given['min_tokens']) ?? fewestTokens(packaged, tokens),
    constraints: packagedConstraints(packaged, tokens),
    stop: stop === undefined ? [] : ([stop].flat() as string[]),
    ends,
    topLogprobs: wantsLogprobs ? (numberOf(given['top_logprobs']) ?? 0) : null,
  };
}
