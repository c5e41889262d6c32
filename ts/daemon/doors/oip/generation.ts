import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { TokenLogprob } from '../../../protocol/tasks/generation-event.ts';
import type { RequestContext } from '../../request-context.ts';
import { ToldEvents } from '../told-events.ts';
import { modelParams, type OperationCalls } from './operations.ts';
import type { OipModelRef } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Written {
  readonly text: string;
  readonly finish_reason: string;
  readonly logprobs?: readonly TokenLogprob[];
}

/** What is answered, in JSON's names: this part of the protocol has no other form. */
export interface GenerateResponse {
  readonly id?: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly text_output: string;
  readonly details?: Fields;
}

export interface GenerateStream {
  /** Rejects where an error is the first thing to come. */
  readonly begun: Promise<void>;
  responses(): AsyncGenerator<GenerateResponse, void, void>;
}

interface GenerateRequest {
  readonly id: string | null;
  readonly text: string;
  readonly parameters: Fields;
  readonly details: boolean;
}

function invalid(what: string): MlosError {
  return new MlosError('INVALID_ARGUMENT', what);
}

/** Parameters may stand in `parameters` or beside the text. Errors: INVALID_ARGUMENT. */
function readRequest(body: Fields): GenerateRequest {
  const { id = null, text_input: text, parameters: inner = {}, ...outer } = body;
  if (typeof text !== 'string') throw invalid('"text_input" must be a text.');
  if (id !== null && typeof id !== 'string') throw invalid('"id" must be a text.');
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) {
    throw invalid('"parameters" must be an object.');
  }
  // Which of the two it is, the path says.
  const { details = false, stream: _, ...parameters } = { ...outer, ...inner } as Fields;
  if (typeof details !== 'boolean') throw invalid('"details" must be true or false.');
  return {
    id,
    text,
    parameters: details ? { logprobs: true, ...parameters } : parameters,
    details,
  };
}

function logprobsOf(list: readonly TokenLogprob[] = []): Fields {
  return list.length === 0
    ? {}
    : { logprobs: list.map(({ token, logprob }) => ({ text: token, logprob })) };
}

/** Text from text: `generate` and `generate_stream`. */
export class OipGeneration {
  readonly #operations: OperationCalls;

  constructor(operations: OperationCalls) {
    this.#operations = operations;
  }

  async generate(ref: OipModelRef, body: Fields, context: RequestContext) {
    const request = readRequest(body);
    const { ordinal, result } = await this.#ask(ref, request, context);
    const { text, finish_reason, logprobs } = result;
    return this.#response(ref, request, {
      ordinal,
      text,
      details: { finish_reason, ...logprobsOf(logprobs) },
    });
  }

  /** Each piece as it is written; the last one says why it is that. */
  stream(ref: OipModelRef, body: Fields, context: RequestContext): GenerateStream {
    const request = readRequest(body);
    const known = this.#ordinal(ref, context);
    const told = new ToldEvents(context, async () => {
      await known;
      return this.#ask(ref, request, context);
    });
    const response = this.#response;
    async function* responses(): AsyncGenerator<GenerateResponse, void, void> {
      const ordinal = await known;
      for await (const { text, logprobs } of told.events()) {
        yield response(ref, request, { ordinal, text, details: logprobsOf(logprobs) });
      }
      const { result } = (await told.result) as { readonly result: Written };
      const { finish_reason } = result;
      yield response(ref, request, { ordinal, text: '', details: { finish_reason } });
    }
    return { begun: told.begun, responses };
  }

  async #ordinal(ref: OipModelRef, context: RequestContext): Promise<number> {
    const { model } = await this.#operations.call('models.get', modelParams(ref), context);
    return model.ordinal;
  }

  async #ask(ref: OipModelRef, { text, parameters }: GenerateRequest, context: RequestContext) {
    const params = {
      ...{ ...modelParams(ref), task: 'text-generation', inputs: { text }, parameters },
      // Whoever asks ends a call by leaving.
      timeout_ms: limits.inferenceMaxMs,
    };
    const { ordinal, result } = await this.#operations.call('models.infer', params, context);
    return { ordinal, result: result as Written };
  }

  #response(
    { modelName }: OipModelRef,
    { id, details: wanted }: GenerateRequest,
    said: { readonly ordinal: number; readonly text: string; readonly details: Fields },
  ): GenerateResponse {
    return {
      ...(id === null ? {} : { id }),
      ...{ model_name: modelName, model_version: String(said.ordinal), text_output: said.text },
      ...(wanted ? { details: said.details } : {}),
    };
  }
}
