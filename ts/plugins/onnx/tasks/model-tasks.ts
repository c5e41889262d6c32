import { AttachedModel } from '../../../client/attached/attached-model.ts';
import { ownConnector } from '../../../client/attached/own-connector.ts';
import type { AddedModel, Engine, EngineModelOptions } from '../../../native/engine.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { TaskName } from '../../../protocol/tasks/task.ts';
import type { Signature } from '../../../protocol/tensor.ts';
import type { ModelReference, PluginTaskRequest, TaskEntry } from '../../../smi/serve.ts';
import { contextOf } from '../generation/context-length.ts';
import { decoderPlan } from '../generation/decoder-plan.ts';
import { DecoderPool } from '../generation/decoder-pool.ts';
import { EncoderDecoder } from '../generation/encoder-decoder.ts';
import { generateText } from '../generation/text-generation.ts';
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
import { PackageTools, type TaskContext, taskContext } from './task-context.ts';
import { checkInputLengths } from './text-length.ts';
import {
  answerQuestion,
  classifyText,
  classifyTokens,
  classifyZeroShot,
  fillMask,
  rankTexts,
} from './text-tasks.ts';

type Run = (context: TaskContext) => Promise<unknown>;

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
  /** Null: it does not write one text from another. */
  readonly #rewriter: EncoderDecoder | null;
  #attached: Promise<AttachedModel> | null = null;

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
    const rewriting = pair === null ? null : decoderPlan(pair.decoder.signature);
    this.#rewriter =
      pair === null || rewriting === null
        ? null
        : new EncoderDecoder(engine, { modelId, ...pair, plan: rewriting, engineOptions, facts });
    const writes: Partial<Record<TaskName, unknown>> = {
      'text-generation': this.#decoders,
      'text2text-generation': this.#rewriter,
    };
    this.entries = findTasks(model.task, facts, added.signature, this.#rewriter !== null)
      .filter((name) => runs[name] !== undefined || (writes[name] ?? null) !== null)
      .map((name) => ({ name, facts: factsOf(name, this.#facts, added.signature) }));
  }

  async run(request: PluginTaskRequest): Promise<Record<string, unknown>> {
    if (!this.entries.some(({ name }) => name === request.task)) throw this.#cannot(request.task);
    checkInputLengths(request.inputs);
    const facts = this.#facts;
    if (request.task === 'text-generation' && this.#decoders !== null) {
      const tokenizer = await this.#tools.tokenizer();
      return generateText(request, { pool: this.#decoders, facts, tokenizer });
    }
    if (request.task === 'text2text-generation' && this.#rewriter !== null) {
      return this.#rewriter.run(request, await this.#tools.tokenizer());
    }
    const run = runs[request.task];
    if (run === undefined) throw this.#cannot(request.task);
    this.#attached ??= this.#attach();
    const parts = { attached: await this.#attached, facts, tools: this.#tools };
    return (await run(await taskContext(request, parts))) as Record<string, unknown>;
  }

  async close(): Promise<void> {
    const attached = this.#attached;
    this.#attached = null;
    await this.#decoders?.close();
    await this.#rewriter?.close();
    (await attached)?.close();
  }

  #cannot(task: TaskName): MlosError {
    return new MlosError('UNIMPLEMENTED', `${this.#modelId} cannot do ${task}.`);
  }

  async #attach(): Promise<AttachedModel> {
    const { handle, signature } = this.#added;
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
    return { chat: facts.hasChatTemplate, context_length: contextOf(facts) };
  }
  const { maskToken } = facts;
  if (name === 'fill-mask' && maskToken !== null) {
    const example = { input: `Paris is the capital of ${maskToken}.` };
    return { mask_token: maskToken, example };
  }
  const labels = Object.values((facts.config['id2label'] ?? {}) as Record<string, unknown>);
  return labels.length === 0 ? {} : { labels: labels.length };
}
