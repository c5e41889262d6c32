import type { AttachedModel } from '../../../client/attached/attached-model.ts';
import type { InferInput } from '../../../client/tensor-wire.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import { type RunOptions, timeoutOf } from '../tasks/run-options.ts';
import type { DecoderPlan } from './decoder-plan.ts';

/** Its only sequence on its channel: a new start forgets what was there. */
const sequence = 'text';

/** What a decoder looks at beside its own text. */
export interface Beside {
  /** Further inputs of a step. */
  inputs(isFirst: boolean): Record<string, InferInput>;
  /** Outputs of the first step that later ones take. */
  readonly wanted: readonly string[];
  keep(outputs: Readonly<Record<string, Tensor>>): void;
}

function longs(values: readonly number[], shape: readonly number[]): InferInput {
  return { dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) };
}

/**
 * One text that a model goes on with. What it has read stays with the model in the engine, so that a step
 * sends the new tokens only.
 */
export class Decoder {
  readonly #model: AttachedModel;
  readonly #plan: DecoderPlan;
  readonly #chunk: number;
  readonly #beside: Beside | null;
  readonly #read: number[] = [];

  /** `chunk`: tokens that one run reads at most, so that its logits have room. */
  constructor(model: AttachedModel, plan: DecoderPlan, chunk: number, beside: Beside | null) {
    this.#model = model;
    this.#plan = plan;
    this.#chunk = chunk;
    this.#beside = beside;
  }

  /**
   * Reads tokens and answers the logits that come after the last one: one per entry of the vocabulary.
   * Errors: those of a run; INFERENCE_FAILED for logits that are none.
   */
  async read(tokens: readonly number[], options: RunOptions): Promise<Float32Array> {
    if (this.#plan.states.length === 0) {
      this.#read.push(...tokens);
      return this.#run(this.#read, 0, options);
    }
    let logits: Float32Array | null = null;
    for (let at = 0; at < tokens.length; at += this.#chunk) {
      const part = tokens.slice(at, at + this.#chunk);
      const before = this.#read.length;
      this.#read.push(...part);
      logits = await this.#run(part, before, options);
    }
    if (logits === null) throw new MlosError('INTERNAL', 'A decoder reads one token at least.');
    return logits;
  }

  async #run(
    tokens: readonly number[],
    before: number,
    options: RunOptions,
  ): Promise<Float32Array> {
    const { signal, priority } = options;
    const keeps = this.#plan.states.length > 0;
    const isFirst = before === 0;
    const wanted = isFirst ? (this.#beside?.wanted ?? []) : [];
    const inputs = { ...this.#inputs(tokens, before), ...this.#beside?.inputs(isFirst) };
    const { outputs } = await this.#model.infer(inputs, {
      ...{ signal, outputs: ['logits', ...wanted] },
      ...timeoutOf(options),
      ...(priority === null ? {} : { priority }),
      ...(keeps ? { sequence: { id: sequence, start: isFirst } } : {}),
    });
    if (wanted.length > 0) this.#beside?.keep(outputs);
    return lastRow(outputs['logits']);
  }

  #inputs(tokens: readonly number[], before: number): Record<string, InferInput> {
    const { takes } = this.#plan;
    const count = tokens.length;
    const total = before + count;
    const inputs: Record<string, InferInput> = { input_ids: longs(tokens, [1, count]) };
    if (takes.has('attention_mask')) {
      const data = new BigInt64Array(total).fill(1n);
      inputs['attention_mask'] = { dtype: 'int64', shape: [1, total], data };
    }
    if (takes.has('position_ids')) {
      inputs['position_ids'] = longs(
        tokens.map((_, index) => before + index),
        [1, count],
      );
    }
    if (takes.has('use_cache_branch')) {
      const data = Uint8Array.of(before > 0 ? 1 : 0);
      inputs['use_cache_branch'] = { dtype: 'bool', shape: [1], data };
    }
    if (takes.has('num_logits_to_keep')) inputs['num_logits_to_keep'] = longs([1], []);
    return inputs;
  }
}

function lastRow(
  tensor: { readonly shape: readonly number[]; readonly values: unknown } | undefined,
): Float32Array {
  const width = tensor?.shape.at(-1) ?? 0;
  const values = tensor?.values;
  if (tensor?.shape.length === 3 && width > 0 && values instanceof Float32Array) {
    if (values.length >= width) return values.subarray(values.length - width);
  }
  throw new MlosError(
    'INFERENCE_FAILED',
    'A model that goes on with a text gives logits of float32 [1, tokens, vocabulary].',
  );
}
