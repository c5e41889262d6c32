import { limits } from '../../../protocol/limits.ts';
import type { Result } from '../../../protocol/method-table.ts';
import type { TokenLogprob } from '../../../protocol/tasks/generation-event.ts';
import type { TaskName } from '../../../protocol/tasks/task.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { RequestContext } from '../../request-context.ts';
import { ToldEvents } from '../told-events.ts';

type Fields = Readonly<Record<string, unknown>>;
export type ModelFacts = Result<'models.get'>['model'];

/** What a request of these APIs comes to: a task of a model. */
export interface TaskCall {
  readonly model: string;
  readonly task: TaskName;
  /** Inputs of the task, by name. */
  readonly inputs: Fields;
  /** What is undefined is left out. */
  readonly parameters: Fields;
}

/** A finished text. */
export interface GeneratedText {
  readonly text: string;
  readonly finish_reason: string;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly logprobs?: readonly TokenLogprob[];
  readonly tool_calls?: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly thinking?: string;
}

function known(values: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** What APIs that know only words and messages ask of the daemon. Knows no API and no transport. */
export class TextModels {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  async call(method: string, params: Fields, context: RequestContext): Promise<unknown> {
    return this.#dispatcher.call(method, params, context);
  }

  async list(context: RequestContext): Promise<readonly ModelFacts[]> {
    const { models } = (await this.call('models.list', {}, context)) as Result<'models.list'>;
    return models as readonly ModelFacts[];
  }

  async get(model: string, context: RequestContext): Promise<ModelFacts> {
    const params = { model_id: model };
    return ((await this.call('models.get', params, context)) as Result<'models.get'>).model;
  }

  /** The task's result. Errors: those of models.infer. */
  async ask({ model, task, inputs, parameters }: TaskCall, context: RequestContext) {
    const params = {
      ...{ model_id: model, task, inputs: known(inputs), parameters: known(parameters) },
      // Whoever talks to these APIs ends a call by leaving.
      timeout_ms: limits.inferenceMaxMs,
    };
    const answer = await this.call('models.infer', params, context);
    return (answer as Result<'models.infer'>).result as unknown;
  }

  /** The same, with what is written on the way. */
  tell(call: TaskCall, context: RequestContext): ToldEvents {
    return new ToldEvents(context, () => this.ask(call, context));
  }
}

/** A context for one of several calls that one request makes: it ends with the request. */
export function partOf(context: RequestContext): RequestContext {
  const { deadline, loadWaitMs } = context;
  const part = new RequestContext(context.door, { deadline, loadWaitMs });
  if (context.aborted) part.abort();
  else context.addEventListener('abort', () => part.abort());
  return part;
}
