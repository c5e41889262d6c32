import { AttachedModel } from '../../../client/attached/attached-model.ts';
import { ownConnector } from '../../../client/attached/own-connector.ts';
import type { AddedModel, Engine, EngineModelOptions } from '../../../native/engine.ts';
import { limits } from '../../../protocol/limits.ts';
import { textTurns } from '../../generation/text-turns.ts';
import type { Turns } from '../../turns.ts';
import { type Beside, Decoder } from './decoder.ts';
import type { DecoderPlan } from './decoder-plan.ts';

/** Of a model whose signature does not say how large its vocabulary is. */
const assumedVocabulary = 262_144;
/** Tokens that one run reads at most, where their logits have room. */
const mostTokensPerRun = 512;
const tensorSlack = 65_536;
/** input_ids, attention_mask and position_ids. */
const bytesPerToken = 3 * BigInt64Array.BYTES_PER_ELEMENT;

/** A model is asked for one step of one text at a time; how many texts it writes is bounded here. */
const steps: Omit<EngineModelOptions, 'priority' | 'cpus' | 'intraOpThreads' | 'sequences'> = {
  ...{ instances: 1, maxQueue: limits.generationsUnderWay + 1 },
  ...{ batching: 'off', maxBatch: 1, maxDelayUs: 0 },
};

/**
 * Decoders of one model. Its weights are those that its tensors run on: in the engine it is there a second
 * time, with keys and values that stay from step to step.
 */
export class DecoderPool {
  readonly #engine: Engine;
  readonly #modelId: string;
  readonly #added: AddedModel;
  readonly #engineOptions: EngineModelOptions;
  readonly #plan: DecoderPlan;
  readonly #context: number;
  readonly #besideBytes: number;
  #shared: Promise<AddedModel> | null = null;
  /** The one that was used last comes last. */
  readonly #idle: { readonly model: AttachedModel; readonly sinceMs: number }[] = [];
  #timer: NodeJS.Timeout | null = null;
  readonly #turns: Turns;
  #closed = false;

  constructor(
    engine: Engine,
    parts: {
      readonly modelId: string;
      readonly added: AddedModel;
      /** Of the model: its class and its cores are those of its texts, too. */
      readonly engineOptions: EngineModelOptions;
      readonly plan: DecoderPlan;
      /** Tokens that a text has at most. */
      readonly context: number;
      /** What a step takes and gives beside the text, in bytes at most. */
      readonly besideBytes?: number;
    },
  ) {
    this.#engine = engine;
    this.#modelId = parts.modelId;
    this.#added = parts.added;
    this.#engineOptions = parts.engineOptions;
    this.#plan = parts.plan;
    this.#context = parts.context;
    this.#besideBytes = parts.besideBytes ?? 0;
    this.#turns = textTurns(parts.modelId);
  }

  /**
   * Runs `write` with a decoder that has read nothing. Texts beyond those that may be written at once wait.
   * Errors: TOO_MANY_REQUESTS, CANCELLED, those of adding and attaching.
   */
  use<T>(
    signal: AbortSignal,
    write: (decoder: Decoder) => Promise<T>,
    beside: Beside | null = null,
  ): Promise<T> {
    return this.#turns.run(signal, async () => {
      const model = this.#idle.pop()?.model ?? (await this.#attach());
      try {
        const answer = await write(new Decoder(model, this.#plan, this.#tokensPerRun, beside));
        this.#putBack(model);
        return answer;
      } catch (error) {
        // What is under way on its channel is no next text's business.
        model.close();
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { model } of this.#idle.splice(0)) model.close();
    const shared = this.#shared;
    this.#shared = null;
    if (shared === null) return;
    // One that could not be added is not there to be removed.
    const added = await shared.catch(() => null);
    if (added !== null) await this.#engine.removeModel(added.handle, 'PLUGIN_UNAVAILABLE');
  }

  get #tokensPerRun(): number {
    if (this.#plan.takes.has('num_logits_to_keep')) return mostTokensPerRun;
    const row = (this.#plan.vocabulary ?? assumedVocabulary) * Float32Array.BYTES_PER_ELEMENT;
    const fit = Math.floor(limits.generationLogitsBytes / row);
    return Math.max(1, Math.min(fit, mostTokensPerRun));
  }

  /** Keys and values need not outlive a text: the next one to use the channel starts anew. */
  #putBack(model: AttachedModel): void {
    if (this.#closed || model.closed) {
      model.close();
      return;
    }
    this.#idle.push({ model, sinceMs: performance.now() });
    this.#timer ??= this.#trimLater();
  }

  #trimLater(): NodeJS.Timeout {
    return setTimeout(() => this.#trim(), limits.generationIdleMs).unref();
  }

  /** What a channel has written to stays in memory as long as it is there: some hundred megabytes. */
  #trim(): void {
    const before = performance.now() - limits.generationIdleMs;
    const used = this.#idle.findIndex(({ sinceMs }) => sinceMs > before);
    for (const { model } of this.#idle.splice(0, used < 0 ? this.#idle.length : used)) {
      model.close();
    }
    this.#timer = this.#idle.length > 0 ? this.#trimLater() : null;
  }

  async #attach(): Promise<AttachedModel> {
    const { handle, signature } = await this.#served();
    const modelId = this.#modelId;
    const connector = ownConnector(this.#engine, { modelId, handle, signature });
    // A channel that grows is another one, where the text would be forgotten.
    return AttachedModel.attach(
      { connector, modelId },
      {
        inputBytes: tensorSlack + bytesPerToken * this.#context + this.#besideBytes,
        outputBytes: tensorSlack + this.#outputBytes + this.#besideBytes,
      },
      () => undefined,
    );
  }

  get #outputBytes(): number {
    const row = (this.#plan.vocabulary ?? assumedVocabulary) * Float32Array.BYTES_PER_ELEMENT;
    return Math.max(row, limits.generationLogitsBytes);
  }

  #served(): Promise<AddedModel> {
    const { states } = this.#plan;
    if (states.length === 0) return Promise.resolve(this.#added);
    this.#shared ??= this.#engine
      .addShared(this.#added.handle, {
        ...{ ...this.#engineOptions, ...steps },
        sequences: {
          states,
          // A channel that was closed is forgotten a little later than the next one begins.
          maxCount: 2 * limits.generationsAtOnce,
          maxBytes: limits.generationStateBytes,
          idleMs: limits.generationIdleMs,
        },
      })
      .catch((error: unknown) => {
        this.#shared = null;
        throw error;
      });
    return this.#shared;
  }
}
