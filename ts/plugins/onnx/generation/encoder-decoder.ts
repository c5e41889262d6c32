import { AttachedModel } from '../../../client/attached/attached-model.ts';
import { ownConnector } from '../../../client/attached/own-connector.ts';
import type { InferInput } from '../../../client/tensor-wire.ts';
import type { AddedModel, Engine, EngineModelOptions } from '../../../native/engine.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import type { PackageFacts } from '../tasks/package-facts.ts';
import { type RunOptions, timeoutOf } from '../tasks/run-options.ts';
import { contextOf, readableOf } from './context-length.ts';
import type { Beside, Decoder } from './decoder.ts';
import type { CrossState, DecoderPlan } from './decoder-plan.ts';
import { DecoderPool } from './decoder-pool.ts';

type Outputs = Readonly<Record<string, Tensor>>;

function asInput({ dtype, shape, values }: Tensor): InferInput {
  return { dtype, shape, data: values as never };
}

/** What a decoder takes of a text that the encoder has read. */
class Source implements Beside {
  readonly wanted: readonly string[];
  readonly #given: Record<string, InferInput>;
  readonly #cross: readonly CrossState[];
  #kept: Record<string, InferInput> = {};

  constructor(plan: DecoderPlan, given: Record<string, InferInput>) {
    this.#cross = plan.cross;
    this.#given = given;
    this.wanted = plan.cross.map(({ output }) => output);
  }

  inputs(isFirst: boolean): Record<string, InferInput> {
    return { ...this.#given, ...(isFirst ? this.#nothing() : this.#kept) };
  }

  keep(outputs: Outputs): void {
    const kept = this.#cross.map(({ input, output }) => {
      const tensor = outputs[output];
      if (tensor === undefined) {
        throw new MlosError('INFERENCE_FAILED', `The decoder gave no ${output}.`);
      }
      return [input, asInput(tensor)] as const;
    });
    this.#kept = Object.fromEntries(kept);
  }

  /** Keys and values of no token. */
  #nothing(): Record<string, InferInput> {
    const empty = this.#cross.map(({ input, shape }) => {
      const none = shape.map((dim, axis) => (dim >= 0 ? dim : axis === 0 ? 1 : 0));
      return [input, { dtype: 'float32', shape: none, data: new Float32Array(0) }] as const;
    });
    return Object.fromEntries(empty);
  }
}

/** Bytes of the encoder's keys and values, and its output, for as many tokens as it reads. */
function crossBytes({ cross }: DecoderPlan, encoderWidth: number, tokens: number): number {
  const perToken = cross.reduce((sum, { shape }) => {
    return sum + shape.filter((dim) => dim > 0).reduce((product, dim) => product * dim, 1);
  }, encoderWidth);
  return perToken * tokens * Float32Array.BYTES_PER_ELEMENT;
}

/** What the encoder made of what it read, as the decoder takes it. */
export type Encoded = Readonly<Record<string, InferInput>>;

/** A model that reads a whole and writes a text: T5, BART, Marian, Whisper and their like. */
export class EncoderDecoder {
  readonly #engine: Engine;
  readonly #modelId: string;
  readonly #encoder: AddedModel;
  readonly #plan: DecoderPlan;
  readonly #pool: DecoderPool;
  readonly facts: PackageFacts;
  #attached: Promise<AttachedModel> | null = null;

  constructor(
    engine: Engine,
    parts: {
      readonly modelId: string;
      readonly encoder: AddedModel;
      readonly decoder: AddedModel;
      readonly plan: DecoderPlan;
      readonly engineOptions: EngineModelOptions;
      readonly facts: PackageFacts;
    },
  ) {
    const { modelId, encoder, decoder, plan, engineOptions, facts } = parts;
    this.#engine = engine;
    this.#modelId = modelId;
    this.#encoder = encoder;
    this.#plan = plan;
    this.facts = facts;
    const width = encoder.signature.outputs[0]?.shape?.at(-1) ?? 0;
    this.#pool = new DecoderPool(engine, {
      ...{ modelId, added: decoder, plan, engineOptions, context: contextOf(facts) },
      besideBytes: crossBytes(plan, Math.max(0, width), readableOf(facts)),
    });
  }

  /** What the decoder begins with. Errors: INFERENCE_FAILED where the package does not say. */
  get start(): number {
    const { generation, config } = this.facts;
    const start = generation['decoder_start_token_id'] ?? config['decoder_start_token_id'];
    if (Number.isInteger(start)) return start as number;
    throw new MlosError(
      'INFERENCE_FAILED',
      'The package does not say what its decoder begins with (decoder_start_token_id).',
    );
  }

  /** What the encoder makes of one row. `mask`: which of its tokens count. Errors: those of a run. */
  async encode(given: Encoded, mask: InferInput | null, options: RunOptions): Promise<Encoded> {
    this.#attached ??= this.#attach();
    const encoder = await this.#attached;
    const takesMask = encoder.signature.inputs.some(({ name }) => name === 'attention_mask');
    const inputs = { ...given, ...(takesMask && mask !== null ? { attention_mask: mask } : {}) };
    const { signal, priority } = options;
    const { outputs } = await encoder.infer(inputs, {
      ...{ signal, ...timeoutOf(options) },
      ...(priority === null ? {} : { priority }),
    });
    const states = outputs['last_hidden_state'];
    if (states === undefined) {
      throw new MlosError('INFERENCE_FAILED', 'The encoder gave no last_hidden_state.');
    }
    const { takes } = this.#plan;
    return {
      ...(takes.has('encoder_hidden_states') ? { encoder_hidden_states: asInput(states) } : {}),
      ...(takes.has('encoder_attention_mask') && mask !== null
        ? { encoder_attention_mask: mask }
        : {}),
    };
  }

  /** Runs `write` with a decoder that looks at what was read. Errors: those of a decoder's turn. */
  decode<T>(
    encoded: Encoded,
    signal: AbortSignal,
    write: (decoder: Decoder) => Promise<T>,
  ): Promise<T> {
    return this.#pool.use(signal, write, new Source(this.#plan, { ...encoded }));
  }

  async close(): Promise<void> {
    const attached = this.#attached;
    this.#attached = null;
    await this.#pool.close();
    (await attached?.catch(() => null))?.close();
  }

  async #attach(): Promise<AttachedModel> {
    const { handle, signature } = this.#encoder;
    const modelId = this.#modelId;
    const connector = ownConnector(this.#engine, { modelId, handle, signature });
    try {
      return await AttachedModel.attach({ connector, modelId }, {}, () => undefined);
    } catch (error) {
      this.#attached = null;
      throw error;
    }
  }
}
