import { AttachedModel } from '../../../client/attached/attached-model.ts';
import { ownConnector } from '../../../client/attached/own-connector.ts';
import type { InferInput } from '../../../client/tensor-wire.ts';
import type { AddedModel, Engine, EngineModelOptions } from '../../../native/engine.ts';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import type { PluginTaskRequest } from '../../../smi/serve.ts';
import { Answer } from '../../generation/answer.ts';
import { generate } from '../../generation/generate.ts';
import { generationSettings } from '../../generation/settings.ts';
import { timeoutOf } from '../tasks/engine-call.ts';
import type { LibraryTensor, Tokenizer } from '../tasks/library.ts';
import type { PackageFacts } from '../tasks/package-facts.ts';
import { contextOf } from './context-length.ts';
import type { Beside } from './decoder.ts';
import type { CrossState, DecoderPlan } from './decoder-plan.ts';
import { DecoderPool } from './decoder-pool.ts';
import { endTokens } from './end-tokens.ts';

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

function readableTokens(facts: PackageFacts): number {
  return Math.min(contextOf(facts), limits.encoderTokens);
}

/** A model that reads a text whole and writes another: T5, BART, Marian and their like. */
export class EncoderDecoder {
  readonly #engine: Engine;
  readonly #modelId: string;
  readonly #encoder: AddedModel;
  readonly #plan: DecoderPlan;
  readonly #pool: DecoderPool;
  readonly #facts: PackageFacts;
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
    this.#facts = facts;
    const context = contextOf(facts);
    const most = readableTokens(facts);
    const width = encoder.signature.outputs[0]?.shape?.at(-1) ?? 0;
    this.#pool = new DecoderPool(engine, {
      ...{ modelId, added: decoder, plan, engineOptions, context },
      besideBytes: crossBytes(plan, Math.max(0, width), most),
    });
  }

  /** The task text2text-generation. */
  async run(request: PluginTaskRequest, tokenizer: Tokenizer) {
    const { inputs, parameters, signal, deadlineUs, priority } = request;
    const run = { signal, deadlineUs, priority };
    const context = contextOf(this.#facts);
    const encoded = await tokenizer(inputs['text'] as string, {
      ...{ truncation: true, padding: false },
      max_length: readableTokens(this.#facts),
    });
    const { input_ids: ids } = encoded as { readonly input_ids: LibraryTensor };
    const prompt = this.#start();
    const model = {
      ...{ packaged: this.#facts.generation, context },
      ends: endTokens(this.#facts, tokenizer),
    };
    const settings = generationSettings(parameters, model, prompt.length);
    const given = await this.#read(ids, run);
    const decode = (tokens: readonly number[]) =>
      tokens.length === 0 ? '' : tokenizer.decode([...tokens], { skip_special_tokens: true });
    const answer = new Answer(request.emit, null);
    const beside = new Source(this.#plan, given);
    const written = await this.#pool.use(
      signal,
      (decoder) =>
        generate(prompt, settings, {
          ...{ signal, decode, say: answer.say },
          read: (tokens) => decoder.read(tokens, run),
        }),
      beside,
    );
    return answer.end(written, ids.dims.at(-1) ?? 0);
  }

  async close(): Promise<void> {
    const attached = this.#attached;
    this.#attached = null;
    await this.#pool.close();
    (await attached?.catch(() => null))?.close();
  }

  /** What the decoder begins with. Errors: INFERENCE_FAILED where the package does not say. */
  #start(): number[] {
    const { generation, config } = this.#facts;
    const said = (key: string) => generation[key] ?? config[key];
    const start = said('decoder_start_token_id');
    if (!Number.isInteger(start)) {
      throw new MlosError(
        'INFERENCE_FAILED',
        'The package does not say what its decoder begins with (decoder_start_token_id).',
      );
    }
    const forced = said('forced_bos_token_id');
    return [start as number, ...(Number.isInteger(forced) ? [forced as number] : [])];
  }

  /** What the encoder makes of a text, as the decoder takes it. */
  async #read(
    ids: LibraryTensor,
    run: Pick<PluginTaskRequest, 'signal' | 'deadlineUs' | 'priority'>,
  ): Promise<Record<string, InferInput>> {
    this.#attached ??= this.#attach();
    const encoder = await this.#attached;
    const shape = [...ids.dims];
    const mask: InferInput = {
      ...{ dtype: 'int64', shape },
      data: new BigInt64Array(ids.data.length).fill(1n),
    };
    const takesMask = encoder.signature.inputs.some(({ name }) => name === 'attention_mask');
    const { outputs } = await encoder.infer(
      {
        input_ids: { dtype: 'int64', shape, data: ids.data as BigInt64Array },
        ...(takesMask ? { attention_mask: mask } : {}),
      },
      {
        signal: run.signal,
        ...timeoutOf(run),
        ...(run.priority === null ? {} : { priority: run.priority }),
      },
    );
    const states = outputs['last_hidden_state'];
    if (states === undefined) {
      throw new MlosError('INFERENCE_FAILED', 'The encoder gave no last_hidden_state.');
    }
    const { takes } = this.#plan;
    return {
      ...(takes.has('encoder_hidden_states') ? { encoder_hidden_states: asInput(states) } : {}),
      ...(takes.has('encoder_attention_mask') ? { encoder_attention_mask: mask } : {}),
    };
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
