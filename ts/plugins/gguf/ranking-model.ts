import { setImmediate as nextTurn } from 'node:timers/promises';
import { MlosError } from '../../protocol/errors.ts';
import type { PluginTaskRequest } from '../../smi/serve.ts';
import { Turns } from '../turns.ts';
import type { Model, RankingContext } from './llama-cpp.ts';
import type { TaskModel } from './task-model.ts';
import { threadsFor } from './threads.ts';
import { checkTokenizable } from './tokenizable.ts';

/** A model whose file says that it ranks. */
export class RankingModel implements TaskModel {
  readonly task = 'text-ranking';
  readonly #model: Model;
  readonly #context: RankingContext;
  readonly #turns: Turns;

  static async open(modelId: string, model: Model, threads: number): Promise<RankingModel> {
    const context = await model.createRankingContext({
      ...{ contextSize: model.trainContextSize, threads: threadsFor(model, threads) },
    });
    return new RankingModel(modelId, model, context);
  }

  private constructor(modelId: string, model: Model, context: RankingContext) {
    this.#model = model;
    this.#context = context;
    this.#turns = new Turns({ atOnce: 1, what: `${modelId} ranks` });
  }

  get entry() {
    return { name: this.task, facts: { max_tokens: this.#model.trainContextSize } } as const;
  }

  async run({ inputs, parameters, signal }: PluginTaskRequest) {
    if (parameters['raw_scores'] === true) {
      throw new MlosError('UNIMPLEMENTED', 'GGUF models give no raw_scores; leave it out.');
    }
    const query = inputs['query'] as string;
    const documents = inputs['documents'] as readonly string[];
    for (const text of [query, ...documents]) checkTokenizable(text);
    const lengths: number[] = [];
    for (const one of documents) {
      lengths.push(this.#context.calculateInputLength(query, one));
      // Others' requests come between two documents.
      await nextTurn();
    }
    const longest = Math.max(...lengths);
    if (longest > this.#model.trainContextSize) {
      throw new MlosError(
        'INVALID_VALUE',
        `The query and document ${lengths.indexOf(longest)} have ${longest} tokens together; the model reads ${this.#model.trainContextSize}.`,
      );
    }
    const scores = await this.#turns.run(signal, () => this.#context.rankAll(query, documents));
    const { top_k: most = documents.length } = parameters as { readonly top_k?: number };
    const ranking = scores
      .map((score, index) => ({ index, score }))
      .sort((a, b) => b.score - a.score)
      .slice(0, most);
    return { ranking, tokens: lengths.reduce((sum, length) => sum + length, 0) };
  }

  close(): Promise<void> {
    return this.#context.dispose();
  }
}
