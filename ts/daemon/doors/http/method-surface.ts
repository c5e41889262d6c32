import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { RequestContext } from '../../request-context.ts';
import { type BodyForm, bodyFormOf } from './body-form.ts';
import { decodeParams, encodeResult } from './codec.ts';
import { errorAnswer } from './error.ts';
import { acceptsEvents, eventsReply } from './method-events.ts';
import type { RequestHead } from './request-head.ts';
import { type RouteMatch, Router } from './router.ts';
import type { Admitted, HttpAnswer, HttpReply, Surface } from './surface.ts';

/** The paths of the method table: JSON both ways. Owns whatever nobody else does. */
export class MethodSurface implements Surface {
  readonly dispatcher: Dispatcher;
  readonly #logger: Logger;
  readonly #maxBodyBytes: number;
  readonly #router = new Router();
  /** A frozen result is the same as long as it is the same object: so is its answer. */
  #frozen: object | null = null;
  #frozenAnswer: HttpAnswer | null = null;

  constructor(options: {
    readonly dispatcher: Dispatcher;
    readonly logger: Logger;
    readonly maxBodyBytes: number;
  }) {
    this.dispatcher = options.dispatcher;
    this.#logger = options.logger;
    this.#maxBodyBytes = options.maxBodyBytes;
  }

  owns(): boolean {
    return true;
  }

  admit(head: RequestHead): Admitted {
    const match = this.#router.match(head.verb, head.path);
    const form = bodyFormOf(match.spec, head);
    return new MethodRequest(this, match, { head, form, maxBodyBytes: this.#maxBodyBytes });
  }

  allow(path: string): readonly string[] {
    return this.#router.allow(path);
  }

  refuse(error: MlosError): HttpAnswer {
    return errorAnswer(error);
  }

  /** What the dispatcher answered at once. */
  answerNow(method: string, result: unknown): HttpAnswer {
    if (result === this.#frozen && this.#frozenAnswer !== null) return this.#frozenAnswer;
    const answer = resultAnswer(method, result);
    if (typeof result === 'object' && result !== null && Object.isFrozen(result)) {
      this.#frozen = result;
      this.#frozenAnswer = answer;
    }
    return answer;
  }

  failed(thrown: unknown, modelId: unknown, context: RequestContext): HttpAnswer {
    const error = MlosError.from(thrown);
    const { requestId } = context;
    if (!(thrown instanceof MlosError))
      this.#logger.error({ requestId, err: thrown }, 'http: fault');
    return errorAnswer(error, { modelId, requestId });
  }
}

class MethodRequest implements Admitted {
  readonly maxBodyBytes: number;
  readonly compresses = false;
  readonly #surface: MethodSurface;
  readonly #match: RouteMatch;
  readonly #query: string;
  readonly #form: BodyForm;
  readonly #contentType: string;
  readonly #wantsEvents: boolean;

  constructor(
    surface: MethodSurface,
    match: RouteMatch,
    facts: { readonly head: RequestHead; readonly form: BodyForm; readonly maxBodyBytes: number },
  ) {
    const { head, form, maxBodyBytes } = facts;
    this.#surface = surface;
    this.#match = match;
    this.#query = head.query;
    this.#form = form;
    this.#contentType = head.contentType;
    this.#wantsEvents = match.spec.http.events === true && acceptsEvents(head.accept);
    this.maxBodyBytes = maxBodyBytes;
  }

  get keepsBody(): boolean {
    return this.#form !== 'json';
  }

  run(bytes: Buffer | null, context: RequestContext): HttpReply | Promise<HttpReply> {
    const surface = this.#surface;
    const { name } = this.#match.spec;
    let params: Record<string, unknown> | undefined;
    try {
      const body = { form: this.#form, contentType: this.#contentType, bytes };
      params = decodeParams(this.#match, this.#query, body);
      if (this.#wantsEvents) return this.#tell(name, params, context);
      const result = surface.dispatcher.call(name, params, context);
      if (!(result instanceof Promise)) return surface.answerNow(name, result);
      const modelId = params['model_id'];
      return this.#later(result, modelId, context);
    } catch (thrown) {
      return surface.failed(thrown, params?.['model_id'], context);
    }
  }

  refuse(error: MlosError): HttpAnswer {
    return errorAnswer(error);
  }

  #tell(
    name: string,
    params: Readonly<Record<string, unknown>>,
    context: RequestContext,
  ): Promise<HttpReply> {
    const surface = this.#surface;
    return eventsReply(
      context,
      () => surface.dispatcher.call(name, params, context),
      (thrown) => surface.failed(thrown, params['model_id'], context),
    );
  }

  async #later(
    result: Promise<unknown>,
    modelId: unknown,
    context: RequestContext,
  ): Promise<HttpAnswer> {
    try {
      return resultAnswer(this.#match.spec.name, await result);
    } catch (thrown) {
      return this.#surface.failed(thrown, modelId, context);
    }
  }
}

/** 200, except that a daemon that is not ready says so in its status too: probes read only that. */
function resultAnswer(method: string, result: unknown): HttpAnswer {
  const unready =
    method === 'health.ready' && (result as { ready?: unknown } | null)?.ready === false;
  return {
    status: unready ? 503 : 200,
    contentType: 'application/json',
    body: encodeResult(result),
    headers: null,
  };
}
