import { generate, requireListener } from '../generation/generate.ts';
import type { GenerationSettings } from '../generation/settings.ts';
import type { Decode } from '../generation/text-stream.ts';
import { type Saying, Writing, type Written } from '../generation/writing.ts';
import type { EvaluateOptions, LlamaCpp, Model, Sequence, TokenBias } from './llama-cpp.ts';
import { batchTokens } from './sequence-pool.ts';

export interface Around {
  readonly decode: Decode;
  say(saying: Saying): void;
  readonly signal: AbortSignal;
  /** Null: any text. */
  readonly grammar: unknown;
}

/** Reads the prompt but for its last part, which comes with the first token; a step at a time, so that it can be left. */
async function readPrompt(
  sequence: Sequence,
  prompt: readonly number[],
  signal: AbortSignal,
): Promise<readonly number[]> {
  // The last token is read again, for its logits.
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  let rest = prompt.slice(sequence.nextTokenIndex);
  while (rest.length > batchTokens) {
    requireListener(signal);
    await sequence.evaluateWithoutGeneratingNewTokens(rest.slice(0, batchTokens));
    rest = rest.slice(batchTokens);
  }
  requireListener(signal);
  return rest;
}

/** What may not come yet, and what shall come rather or less. */
function biasOf(
  { library }: LlamaCpp,
  model: Model,
  { sampling, ends }: GenerationSettings,
  mayEnd: boolean,
): TokenBias {
  const bias = library.TokenBias.for(model);
  for (const one of sampling.bias) bias.set(one.token, { logit: one.bias });
  if (!mayEnd) for (const end of ends) bias.set(end, 'never');
  return bias;
}

/** llama.cpp's own count of them is one less than 2^32: the last means any. */
const seeds = 2 ** 32 - 1;

function optionsOf(
  llamaCpp: LlamaCpp,
  model: Model,
  settings: GenerationSettings,
  writing: Writing,
  grammar: unknown,
): EvaluateOptions {
  const { sampling, minTokens } = settings;
  const { temperature, topK, topP, minP, seed, lookBack } = sampling;
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
  const penalizes = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  const repeatPenalty = {
    punishTokens: () => (lookBack < 0 ? [...writing.seen] : writing.seen.slice(-lookBack)),
    ...{ penalty: repetitionPenalty, presencePenalty, frequencyPenalty },
  };
  const biases = sampling.bias.length > 0 || minTokens > 0;
  const { LlamaGrammarEvaluationState } = llamaCpp.library;
  return {
    ...{ temperature, topK, topP, minP, seed: seed % seeds, yieldEogToken: true as const },
    ...(penalizes && lookBack !== 0 ? { repeatPenalty } : {}),
    ...(biases ? { tokenBias: () => biasOf(llamaCpp, model, settings, writing.mayEnd) } : {}),
    ...(grammar === null
      ? {}
      : { grammarEvaluationState: new LlamaGrammarEvaluationState({ model, grammar }) }),
  };
}

/** llama.cpp chooses. Errors: CANCELLED between two tokens once nobody waits. */
export async function writeText(
  sequence: Sequence,
  prompt: readonly number[],
  settings: GenerationSettings,
  { llamaCpp, model, around }: { llamaCpp: LlamaCpp; model: Model; around: Around },
): Promise<Written> {
  const writing = new Writing(prompt, settings, around.decode, around.say);
  if (!writing.goesOn) return writing.end();
  const rest = await readPrompt(sequence, prompt, around.signal);
  const options = optionsOf(llamaCpp, model, settings, writing, around.grammar);
  for await (const token of sequence.evaluate(rest, options)) {
    requireListener(around.signal);
    writing.accept(token);
    if (!writing.goesOn) break;
    if (around.grammar !== null && isWholeJson(writing.text)) return writing.stop();
  }
  return writing.end();
}

/** A grammar of JSON lets blanks follow without end. A number goes on until one comes. */
function isWholeJson(text: string): boolean {
  if (!/[\]}"\s]$/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const askForLogits = {
  generateNext: { token: true, logits: true, options: { temperature: 0 } },
} as const;

/** The model's own logits come out, and the token is chosen here: for who wants to know them. */
export async function writeWithLogits(
  sequence: Sequence,
  prompt: readonly number[],
  settings: GenerationSettings,
  around: Around,
): Promise<Written> {
  let isFirst = true;
  const read = async (tokens: readonly number[]) => {
    const rest = isFirst ? await readPrompt(sequence, tokens, around.signal) : tokens;
    isFirst = false;
    const last = rest.at(-1) as number;
    const answers = await sequence.controlledEvaluate([...rest.slice(0, -1), [last, askForLogits]]);
    const found = answers.at(-1)?.next?.logits ?? new Map<number, number>();
    let size = 0;
    for (const token of found.keys()) size = Math.max(size, token + 1);
    const logits = new Float32Array(size).fill(Number.NEGATIVE_INFINITY);
    for (const [token, logit] of found) logits[token] = logit;
    return logits;
  };
  return generate(prompt, settings, { ...around, read });
}
