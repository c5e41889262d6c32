import { AttachedModel } from '../../../client/attached/attached-model.ts';
import { ownConnector } from '../../../client/attached/own-connector.ts';
import type { AddedModel, Engine, EngineModelOptions } from '../../../native/engine.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { TaskName } from '../../../protocol/tasks/task.ts';
import type { Signature } from '../../../protocol/tensor.ts';
import type { ModelReference, PluginTaskRequest, TaskEntry } from '../../../smi/serve.ts';
import { checkInputLengths } from '../../text-length.ts';
import { contextOf } from '../generation/context-length.ts';
import { decoderPlan } from '../generation/decoder-plan.ts';
import { DecoderPool } from '../generation/decoder-pool.ts';
import { EncoderDecoder } from '../generation/encoder-decoder.ts';
import { rewriteText } from '../generation/rewriting.ts';
import { generateText, refusedBy } from '../generation/text-generation.ts';
import { transcribe } from '../generation/transcription.ts';
import { type Whisper, whisperOf } from '../generation/whisper-prompt.ts';
import { classifyAudio, recognizeSpeech } from './audio-tasks.ts';
import { imageVectors, textVectors } from './embedding-outputs.ts';
import { extractFeatures, poolingFacts } from './feature-extraction.ts';
import { findTasks } from './find-tasks.ts';
import {
  classifyImages,
  classifyImageZeroShot,
  detectObjects,
  extractImageFeatures,
  segmentImage,
} from './image-tasks.ts';
import { type PackageFacts, readPackageFacts } from './package-facts.ts';
import { RaggedBatches } from './ragged-batches.ts';
import { requireNumbers } from './scored.ts';
import { type Attached, PackageTools, type TaskContext, taskContext } from './task-context.ts';
import {
  answerQuestion,
  classifyText,
  classifyTokens,
  classifyZeroShot,
  fillMask,
  rankTexts,
} from './text-tasks.ts';

type Run = (context: TaskContext) => Promise<unknown>;
type Write = (request: PluginTaskRequest) => Promise<Record<string, unknown>>;

const runs: Partial<Record<TaskName, Run>> = {
  'feature-extraction': extractFeatures,
  'text-classification': classifyText,
  'token-classification': classifyTokens,
  'fill-mask': fillMask,
  'question-answering': answerQuestion,
  'zero-shot-classification': classifyZeroShot,
  'text-ranking': rankTexts,
  'image-classification': classifyImages,
  'image-feature-extraction': extractImageFeatures,
  'object-detection': detectObjects,
  'image-segmentation': segmentImage,
  'zero-shot-image-classification': classifyImageZeroShot,
  'audio-classification': classifyAudio,
  'automatic-speech-recognition': recognizeSpeech,
};

/** The tasks of one loaded model. Its tensors run in the engine, asked as any client asks it. */
export class ModelTasks {
  readonly entries: readonly TaskEntry[];
  readonly #engine: Engine;
  readonly #modelId: string;
  readonly #added: AddedModel;
  readonly #facts: PackageFacts;
  readonly #tools: PackageTools;
  /** Null: the model cannot go on with a text. */
  readonly #decoders: DecoderPool | null;
  /** Null: it is no encoder with its decoder. */
  readonly #pair: EncoderDecoder | null;
  /** Null: it does not write what it hears. */
  readonly #whisper: Whisper | null;
  readonly #engineOptions: EngineModelOptions;
  #attached: Promise<Attached> | null = null;

  /** Errors: MODEL_LOAD_FAILED for a package whose files are broken. */
  constructor(
    engine: Engine,
    model: ModelReference,
    parts: {
      readonly added: AddedModel;
      /** Where it is an encoder with its decoder: both. */
      readonly pair: { readonly encoder: AddedModel; readonly decoder: AddedModel } | null;
      readonly engineOptions: EngineModelOptions;
    },
  ) {
    const { added, pair, engineOptions } = parts;
    this.#engine = engine;
    this.#modelId = model.modelId;
    this.#added = added;
    this.#engineOptions = engineOptions;
    this.#facts = readPackageFacts(model.path);
    this.#tools = new PackageTools(model.path);
    const { modelId } = model;
    const facts = this.#facts;
    const context = contextOf(facts);
    const plan = decoderPlan(added.signature);
    const goesOn = plan !== null && !plan.takes.has('encoder_hidden_states');
    this.#decoders = goesOn
      ? new DecoderPool(engine, { modelId, added, engineOptions, plan, context })
      : null;
    const both = pair === null ? null : decoderPlan(pair.decoder.signature);
    this.#pair =
      pair === null || both === null
        ? null
        : new EncoderDecoder(engine, { modelId, ...pair, plan: both, engineOptions, facts });
    this.#whisper = this.#pair === null ? null : whisperOf(facts);
    const signature = pair?.encoder.signature ?? added.signature;
    const isPair = this.#pair === null ? null : { transcribes: this.#whisper !== null };
    this.entries = findTasks(model.task, facts, signature, isPair)
      .filter((name) => this.#writer(name) !== null || runs[name] !== undefined)
      .map((name) => ({ name, facts: factsOf(name, this.#facts, signature) }));
  }

  async run(request: PluginTaskRequest): Promise<Record<string, unknown>> {
    if (!this.entries.some(({ name }) => name === request.task)) throw this.#cannot(request.task);
    checkInputLengths(request.inputs);
    const write = this.#writer(request.task);
    if (write !== null) return write(request);
    const run = runs[request.task];
    if (run === undefined) throw this.#cannot(request.task);
    this.#attached ??= this.#attach();
    const parts = { attached: await this.#attached, facts: this.#facts, tools: this.#tools };
    const result = await run(await taskContext(request, parts));
    return requireNumbers(result) as Record<string, unknown>;
  }

  async close(): Promise<void> {
    const attached = this.#attached;
    this.#attached = null;
    await this.#decoders?.close();
    await this.#pair?.close();
    (await attached)?.model.close();
  }

  /** How a task is done that writes a text token by token; null: it does not, or the model cannot. */
  #writer(task: TaskName): Write | null {
    const tools = this.#tools;
    const [pool, pair, whisper] = [this.#decoders, this.#pair, this.#whisper];
    if (task === 'text-generation' && pool !== null) {
      return async (request) =>
        generateText(request, { pool, facts: this.#facts, tokenizer: await tools.tokenizer() });
    }
    if (task === 'text2text-generation' && pair !== null) {
      return async (request) => rewriteText(request, pair, await tools.tokenizer());
    }
    if (task === 'automatic-speech-recognition' && pair !== null && whisper !== null) {
      return (request) => transcribe(request, pair, whisper, tools);
    }
    return null;
  }

  #cannot(task: TaskName): MlosError {
    return new MlosError('UNIMPLEMENTED', `${this.#modelId} cannot do ${task}.`);
  }

  async #attach(): Promise<Attached> {
    const { handle, signature } = this.#added;
    const modelId = this.#modelId;
    const connector = ownConnector(this.#engine, { modelId, handle, signature });
    try {
      const model = await AttachedModel.attach({ connector, modelId }, {}, () => undefined);
      const { pad_token_id: pad } = this.#facts.config;
      const filler = Number.isInteger(pad) && (pad as number) > 0 ? BigInt(pad as number) : 0n;
      return { model, batches: new RaggedBatches(model, this.#engineOptions, filler) };
    } catch (error) {
      this.#attached = null;
      throw error;
    }
  }
}

function factsOf(
  name: TaskName,
  facts: PackageFacts,
  { outputs }: Signature,
): Record<string, unknown> {
  const given = (names: readonly string[]) =>
    names.find((wanted) => outputs.some((output) => output.name === wanted));
  if (name === 'feature-extraction') return poolingFacts(facts, given(textVectors));
  if (name === 'image-feature-extraction') return { output: given(imageVectors) };
  if (name === 'text-generation') {
    const { chatTemplate } = facts;
    return {
      chat: chatTemplate !== null,
      context_length: contextOf(facts),
      refuses: refusedBy(chatTemplate),
    };
  }
  const whisper = name === 'automatic-speech-recognition' ? whisperOf(facts) : null;
  if (whisper !== null) return { languages: [...(whisper.languages?.keys() ?? ['en'])] };
  const { maskToken } = facts;
  if (name === 'fill-mask' && maskToken !== null) {
    const example = { input: `Paris is the capital of ${maskToken}.` };
    return { mask_token: maskToken, example };
  }
  const labels = Object.values((facts.config['id2label'] ?? {}) as Record<string, unknown>);
  return labels.length === 0 ? {} : { labels: labels.length };
}
