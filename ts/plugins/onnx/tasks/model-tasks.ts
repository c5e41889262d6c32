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
  #attached: Promise<AttachedModel> | null = null;

  /** Errors: MODEL_LOAD_FAILED for a package whose files are broken. */
  constructor(
    engine: Engine,
    model: ModelReference,
    {
      added,
      engineOptions,
    }: { readonly added: AddedModel; readonly engineOptions: EngineModelOptions },
  ) {
    this.#engine = engine;
    this.#modelId = model.modelId;
    this.#added = added;
    this.#facts = readPackageFacts(model.path);
    this.#tools = new PackageTools(model.path);
    const plan = decoderPlan(added.signature);
    const { modelId } = model;
    const context = contextOf(this.#facts);
    this.#decoders =
      plan === null
        ? null
        : new DecoderPool(engine, { modelId, added, engineOptions, plan, context });
    const writes = (name: TaskName) => name === 'text-generation' && plan !== null;
    this.entries = findTasks(model.task, this.#facts, added.signature)
      .filter((name) => runs[name] !== undefined || writes(name))
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
