import { MlosError } from '../../protocol/errors.ts';
import type { PluginTaskRequest } from '../../smi/serve.ts';
import { Turns } from '../turns.ts';
import { normalized, wireVector } from '../vectors.ts';
import type { GgufFacts } from './gguf-facts.ts';
import type { EmbeddingContext, Model } from './llama-cpp.ts';
import type { TaskModel } from './task-model.ts';
import { threadsFor } from './threads.ts';
import { checkTokenizable } from './tokenizable.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Tokens that the library itself puts around a text, at most. */
const around = 2;

/** A model whose file says how its tokens' vectors become one. */
export class EmbeddingModel implements TaskModel {
  readonly task = 'feature-extraction';
  readonly #model: Model;
  readonly #facts: GgufFacts;
  readonly #context: EmbeddingContext;
  /** The context reads one text at a time. */
  readonly #turns: Turns;

  static async open(
    modelId: string,
    {
      model,
      facts,
      threads,
    }: { readonly model: Model; readonly facts: GgufFacts; readonly threads: number },
  ): Promise<EmbeddingModel> {
    const contextSize = model.trainContextSize;
    const context = await model.createEmbeddingContext({
      ...{ contextSize, batchSize: contextSize, threads: threadsFor(model, threads) },
    });
    return new EmbeddingModel(modelId, model, facts, context);
  }

  private constructor(modelId: string, model: Model, facts: GgufFacts, context: EmbeddingContext) {
    this.#model = model;
    this.#facts = facts;
    this.#context = context;
    this.#turns = new Turns({ atOnce: 1, what: `${modelId} reads` });
  }

  get entry() {
    const facts = {
      ...{ pooling: this.#facts.pooling, pooling_from: 'package', normalize: true },
      ...{ dimensions: this.#model.embeddingVectorSize, max_tokens: this.#mostTokens },
    };
    return { name: this.task, facts } as const;
  }

  async run({ inputs, parameters, signal }: PluginTaskRequest) {
    const { pooling } = parameters;
    if (pooling !== undefined && pooling !== this.#facts.pooling) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `The model's file says pooling ${this.#facts.pooling}; another cannot be asked for.`,
      );
    }
    const text = inputs['text'] as string | readonly string[];
    if (typeof text === 'string') return this.#embed(text, parameters, signal);
    const results: Fields[] = [];
    for (const one of text) results.push(await this.#embed(one, parameters, signal));
    return results;
  }

  close(): Promise<void> {
    return this.#context.dispose();
  }

  get #mostTokens(): number {
    return this.#model.trainContextSize - around;
  }

  #tokens(text: string, truncates: boolean): number[] {
    if (text === '') throw new MlosError('INVALID_VALUE', 'The text is empty.');
    checkTokenizable(text);
    const tokens = this.#model.tokenize(text, false);
    if (tokens.length <= this.#mostTokens) return tokens;
    if (truncates) return tokens.slice(0, this.#mostTokens);
    throw new MlosError(
      'INVALID_ARGUMENT',
      `The text has ${tokens.length} tokens; the model reads ${this.#mostTokens}. With truncate: true it is cut.`,
    );
  }

  #cut(vector: Float32Array, dimensions: unknown): Float32Array {
    if (typeof dimensions !== 'number') return vector;
    if (dimensions <= vector.length) return vector.slice(0, dimensions);
    throw new MlosError(
      'INVALID_ARGUMENT',
      `The model gives ${vector.length} dimensions, not ${dimensions}.`,
    );
  }

  async #embed(text: string, parameters: Fields, signal: AbortSignal) {
    const tokens = this.#tokens(text, parameters['truncate'] !== false);
    const { vector } = await this.#turns.run(signal, () => this.#context.getEmbeddingFor(tokens));
    const cut = this.#cut(Float32Array.from(vector), parameters['dimensions']);
    const whole = parameters['normalize'] === false ? cut : normalized(cut);
    return {
      embedding: wireVector(whole, [whole.length]),
      tokens: tokens.length,
    };
  }
}
