import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { RequestContext } from '../../request-context.ts';
import { ByteBudget } from '../byte-budget.ts';
import { BodyCollector } from './body.ts';
import {
  bodyTooLarge,
  checkBytesType,
  checkMediaType,
  decodeParams,
  encodeResult,
} from './codec.ts';
import { errorAnswer, type HttpAnswer } from './error.ts';
import { HostCheck } from './host-check.ts';
import type { RequestHead } from './request-head.ts';
import { type RouteMatch, Router } from './router.ts';

/**
 * What both adapters share: everything but moving bytes. A request goes through `admit` when its
 * head is there and through `run` when its body is. Neither makes a promise unless the operation
 * does, so a health check is answered within the library's own callback.
 */
export interface Admitted {
  readonly match: RouteMatch;
  readonly query: string;
}

export interface HandlerOptions {
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly maxBodyBytes: number;
}

export class HttpHandler {
  readonly maxBodyBytes: number;
  readonly #dispatcher: Dispatcher;
  readonly #logger: Logger;
  readonly #hosts: HostCheck;
  readonly #router = new Router();
  readonly #bodies = new ByteBudget(limits.httpBodiesBytes);
  /** A frozen result is the same as long as it is the same object: so is its answer. */
  #frozen: object | null = null;
  #frozenAnswer: HttpAnswer | null = null;

  constructor(options: HandlerOptions) {
    this.#dispatcher = options.dispatcher;
    this.#logger = options.logger;
    this.maxBodyBytes = options.maxBodyBytes;
    this.#hosts = new HostCheck(options);
  }

  /** Decides from the head alone: a final answer (`status`), or what `run` needs. */
  admit(head: RequestHead): HttpAnswer | Admitted {
    try {
      return this.#admit(head);
    } catch (thrown) {
      return errorAnswer(MlosError.from(thrown));
    }
  }

  #admit(head: RequestHead): HttpAnswer | Admitted {
    if (head.bytes > limits.httpHeaderBytes) {
      throw new MlosError(
        'HEADERS_TOO_LARGE',
        `The request head is larger than ${limits.httpHeaderBytes} bytes.`,
      );
    }
    const refusal = this.#hosts.refuse(head);
    if (refusal !== null) throw refusal;
    if (head.verb === 'OPTIONS') return this.#options(head);
    const match = this.#router.match(head.verb, head.path);
    if (head.hasBody) {
      if (match.spec.http.bytes === undefined) checkMediaType(head);
      else checkBytesType(head);
      if (head.contentLength > this.maxBodyBytes) {
        throw bodyTooLarge(head.contentLength, this.maxBodyBytes);
      }
    }
    return { match, query: head.query };
  }

  /** Runs the operation. Synchronous where the dispatcher is. Never throws or rejects. */
  run(
    admitted: Admitted,
    body: Buffer | null,
    context: RequestContext,
  ): HttpAnswer | Promise<HttpAnswer> {
    const { spec } = admitted.match;
    let params: Record<string, unknown> | undefined;
    try {
      params = decodeParams(admitted.match, admitted.query, body);
      const result = this.#dispatcher.call(spec.name, params, context);
      if (!(result instanceof Promise)) return this.#syncAnswer(spec.name, result);
      const modelId = params['model_id'];
      return result.then(
        (value) => this.#encode(spec.name, value, modelId, context),
        (thrown: unknown) => this.#failed(thrown, modelId, context),
      );
    } catch (thrown) {
      return this.#failed(thrown, params?.['model_id'], context);
    }
  }

  /** For the body of one request. */
  collector(): BodyCollector {
    return new BodyCollector(this.maxBodyBytes, this.#bodies);
  }

  /** Headers for web pages of a configured origin; null for everybody else. */
  corsHeaders(origin: string): readonly (readonly [string, string])[] | null {
    if (origin === '' || !this.#hosts.allowsOrigin(origin)) return null;
    return [
      ['access-control-allow-origin', origin],
      ['vary', 'Origin'],
    ];
  }

  #syncAnswer(method: string, result: unknown): HttpAnswer {
    if (result === this.#frozen && this.#frozenAnswer !== null) return this.#frozenAnswer;
    const answer = resultAnswer(method, result);
    if (typeof result === 'object' && result !== null && Object.isFrozen(result)) {
      this.#frozen = result;
      this.#frozenAnswer = answer;
    }
    return answer;
  }

  #encode(method: string, value: unknown, modelId: unknown, context: RequestContext): HttpAnswer {
    try {
      return resultAnswer(method, value);
    } catch (thrown) {
      return this.#failed(thrown, modelId, context);
    }
  }

  #failed(thrown: unknown, modelId: unknown, context: RequestContext): HttpAnswer {
    const error = MlosError.from(thrown);
    const { requestId } = context;
    if (!(thrown instanceof MlosError))
      this.#logger.error({ requestId, err: thrown }, 'http: fault');
    return errorAnswer(error, { modelId, requestId });
  }

  #options(head: RequestHead): HttpAnswer {
    const allow = this.#router.allow(head.path);
    const headers: [string, string][] = [['allow', allow.join(', ')]];
    if (head.origin !== '') {
      headers.push(
        ['access-control-allow-methods', allow.join(', ')],
        ['access-control-allow-headers', 'content-type'],
      );
    }
    return { status: 200, body: JSON.stringify({ status: 'success', allow }), headers };
  }
}

/** 200, except that a daemon that is not ready says so in its status too: probes read only that. */
function resultAnswer(method: string, result: unknown): HttpAnswer {
  const unready =
    method === 'health.ready' && (result as { ready?: unknown } | null)?.ready === false;
  return { status: unready ? 503 : 200, body: encodeResult(result), headers: null };
}
