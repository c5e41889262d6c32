import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { textTurns } from '../generation/text-turns.ts';
import type { Turns } from '../turns.ts';
import type { Context, Model, Sequence } from './llama-cpp.ts';
import { threadsFor } from './threads.ts';

/** Tokens that one step reads of a prompt. */
export const batchTokens = 512;

/**
 * Places for texts that are written at once, in one context: llama.cpp runs their next tokens together. A place
 * remembers the text that was in it, so that a conversation that goes on is not read again.
 */
export class SequencePool {
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
  readonly size: number;
  readonly #context: Context;
  readonly #idle: Sequence[];
  readonly #turns: Turns;

  /** Errors: MODEL_LOAD_FAILED where not even one text has room. */
  static async open(modelId: string, model: Model, threads: number): Promise<SequencePool> {
    const contextSize = Math.min(model.trainContextSize, limits.ggufContextTokens);
    const sequences = await roomFor(model, contextSize);
    const context = await model.createContext({
      ...{ contextSize, sequences, batchSize: Math.min(batchTokens, contextSize) },
      threads: threadsFor(model, threads),
      failedCreationRemedy: false,
    });
    return new SequencePool(modelId, context, { contextSize, sequences });
  }

  private constructor(
    modelId: string,
    context: Context,
    { contextSize, sequences }: { readonly contextSize: number; readonly sequences: number },
  ) {
    this.contextLength = contextSize;
    this.size = sequences;
    this.#context = context;
    this.#idle = Array.from({ length: sequences }, () => context.getSequence());
    this.#turns = textTurns(modelId, sequences);
  }

  /** Runs `write` in the place that knows most of the prompt. Errors: TOO_MANY_REQUESTS, CANCELLED. */
  use<T>(
    signal: AbortSignal,
    prompt: readonly number[],
    write: (sequence: Sequence) => Promise<T>,
  ): Promise<T> {
    return this.#turns.run(signal, async () => {
      const sequence = this.#take(prompt);
      try {
        return await write(sequence);
      } finally {
        this.#idle.push(sequence);
      }
    });
  }

  async close(): Promise<void> {
    await this.#context.dispose();
  }

  #take(prompt: readonly number[]): Sequence {
    const known = this.#idle.map((one) => one.compareContextTokens(prompt).firstDifferentIndex);
    const best = known.indexOf(Math.max(...known));
    return this.#idle.splice(best, 1)[0] as Sequence;
  }
}

/** How many texts have room in the memory for keys and values. */
async function roomFor(model: Model, contextSize: number): Promise<number> {
  for (let sequences = limits.generationsAtOnce; sequences > 0; sequences -= 1) {
    const wanted = { contextSize, sequences, modelGpuLayers: 0 } as const;
    const { cpuRam } = await model.fileInsights.estimateContextResourceRequirements(wanted);
    if (cpuRam <= limits.generationStateBytes) return sequences;
  }
  throw new MlosError(
    'MODEL_LOAD_FAILED',
    `Keys and values of a text of ${contextSize} tokens need more than ${limits.generationStateBytes} bytes.`,
  );
}
