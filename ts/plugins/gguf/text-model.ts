import { Template } from '@huggingface/jinja';
import { MlosError } from '../../protocol/errors.ts';
import type { PluginTaskRequest } from '../../smi/serve.ts';
import { Answer } from '../generation/answer.ts';
import { checkBias } from '../generation/bias.ts';
import {
  type ChatTemplate,
  type PromptTools,
  readPrompt,
  refusedOf,
  withoutThoughts,
} from '../generation/prompt.ts';
import { generationSettings } from '../generation/settings.ts';
import { forcedCall } from '../generation/tool-choice.ts';
import type { GgufFacts } from './gguf-facts.ts';
import { jsonGrammar } from './json-grammar.ts';
import type { LlamaCpp, Model } from './llama-cpp.ts';
import { SequencePool } from './sequence-pool.ts';
import type { TaskModel } from './task-model.ts';
import { checkTokenizable } from './tokenizable.ts';
import { writeText, writeWithLogits } from './write-text.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A conversation as the file's own template writes it. Errors: MODEL_LOAD_FAILED for one that is none. */
function chatTemplate(model: Model, source: string): ChatTemplate {
  let template: Template;
  try {
    template = new Template(source);
  } catch (error) {
    throw new MlosError(
      'MODEL_LOAD_FAILED',
      `The chat template is broken: ${(error as Error).message}`,
    );
  }
  const { bosString, eosString } = model.tokens;
  const tokens = { bos_token: bosString ?? '', eos_token: eosString ?? '' };
  return {
    source,
    // What a text of this model begins with is put there unless the template did.
    beginsText: true,
    write: (messages, options) =>
      template.render({ messages, add_generation_prompt: true, ...tokens, ...options }),
  };
}

function promptTools(model: Model, facts: GgufFacts): PromptTools {
  const { bos, shouldPrependBosToken } = model.tokens;
  return {
    encode(text, addSpecial) {
      checkTokenizable(text);
      const tokens = model.tokenize(text, true);
      const begins = addSpecial && shouldPrependBosToken && bos !== null && tokens[0] !== bos;
      return begins ? [bos, ...tokens] : tokens;
    },
    chat: facts.chatTemplate === null ? null : chatTemplate(model, facts.chatTemplate),
    first: bos,
  };
}

/** What an answer has to fit; null: nothing. Errors: INVALID_ARGUMENT, UNIMPLEMENTED. */
function schemaOf(parameters: Fields): Fields | null {
  return forcedCall(parameters) ?? (parameters['response_schema'] as Fields | undefined) ?? null;
}

/** What llama.cpp has no way to do is refused, not left out. */
function refuseUnknown(
  parameters: Fields,
  schema: Fields | null,
  { topLogprobs }: { topLogprobs: number | null },
): void {
  const isFree = schema === null;
  const cannot =
    parameters['suffix'] !== undefined
      ? 'suffix'
      : !isFree && (topLogprobs !== null || parameters['typical_p'] !== undefined)
        ? 'response_schema or tool_choice together with logprobs or typical_p'
        : null;
  if (cannot === null) return;
  throw new MlosError('UNIMPLEMENTED', `GGUF models cannot do ${cannot}; leave it out.`);
}

/** A model that writes. */
export class TextModel implements TaskModel {
  readonly task = 'text-generation';
  readonly #llamaCpp: LlamaCpp;
  readonly #model: Model;
  readonly #facts: GgufFacts;
  readonly #pool: SequencePool;
  readonly #tools: PromptTools;
  readonly #ends: ReadonlySet<number>;

  static async open(
    modelId: string,
    parts: {
      readonly llamaCpp: LlamaCpp;
      readonly model: Model;
      readonly facts: GgufFacts;
      readonly threads: number;
    },
  ): Promise<TextModel> {
    const tools = promptTools(parts.model, parts.facts);
    const pool = await SequencePool.open(modelId, parts.model, parts.threads);
    return new TextModel(parts, pool, tools);
  }

  private constructor(
    parts: { readonly llamaCpp: LlamaCpp; readonly model: Model; readonly facts: GgufFacts },
    pool: SequencePool,
    tools: PromptTools,
  ) {
    this.#llamaCpp = parts.llamaCpp;
    this.#model = parts.model;
    this.#facts = parts.facts;
    this.#pool = pool;
    this.#tools = tools;
    const tokens = [...parts.model.iterateAllTokens()];
    this.#ends = new Set(tokens.filter((token) => parts.model.isEogToken(token)));
  }

  get entry() {
    const { contextLength, size } = this.#pool;
    const chat = this.#facts.chatTemplate !== null;
    return {
      name: this.task,
      facts: {
        ...{ chat, context_length: contextLength, parallel: size },
        refuses: ['suffix', ...refusedOf(this.#facts.chatTemplate)],
      },
    } as const;
  }

  async run({ inputs, parameters, signal, emit }: PluginTaskRequest) {
    const schema = schemaOf(parameters);
    const read = readPrompt(this.#tools, inputs, parameters);
    // A grammar of JSON leaves no room for thoughts.
    const { tokens: prompt, form } = schema === null ? read : withoutThoughts(read, this.#tools);
    const wanted = (parameters['context_length'] as number | undefined) ?? Number.MAX_SAFE_INTEGER;
    const context = Math.min(this.#pool.contextLength, wanted);
    const limited = { packaged: {}, ends: this.#ends, context };
    const settings = generationSettings(parameters, limited, {
      ...{ tokens: prompt.length, isConversation: form !== null },
    });
    checkBias(settings.sampling.bias, this.#facts.pieces.length);
    refuseUnknown(parameters, schema, settings);
    const grammar = schema === null ? null : await jsonGrammar(this.#llamaCpp.llama, schema);
    const [llamaCpp, model] = [this.#llamaCpp, this.#model];
    const answer = new Answer(emit, form);
    const around = {
      ...{ signal, grammar },
      decode: Object.assign((tokens: readonly number[]) => model.detokenize(tokens, false), {
        pieceOf: (token: number) => this.#facts.pieces[token],
      }),
      say: answer.say,
    };
    const choosesHere = settings.topLogprobs !== null || settings.sampling.typicalP !== 1;
    const written = await this.#pool.use(signal, prompt, (sequence) =>
      choosesHere
        ? writeWithLogits(sequence, prompt, settings, around)
        : writeText(sequence, prompt, settings, { llamaCpp, model, around }),
    );
    return answer.end(written, prompt.length);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
