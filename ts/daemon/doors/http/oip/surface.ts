import type { Logger } from 'pino';
import { MlosError } from '../../../../protocol/errors.ts';
import type { RequestContext } from '../../../request-context.ts';
import type { OipService } from '../../oip/service.ts';
import { oipHttpStatus } from '../../oip/status.ts';
import { retryHeaders } from '../error.ts';
import type { RequestHead } from '../request-head.ts';
import type { Admitted, HttpAnswer, HttpReply, Surface } from '../surface.ts';
import { answerAction } from './actions.ts';
import { matchOipPath, type OipAction, type OipRoute } from './routes.ts';

/** Paths that were matched before: clients ask for the same few. */
const rememberedPaths = 1024;

export interface OipSurfaceOptions {
  readonly service: OipService;
  readonly logger: Logger;
  readonly maxBodyBytes: number;
}

/** `/v2`: the Open Inference Protocol over HTTP. Success is exactly 200, an error `{"error": text}`. */
export class OipSurface implements Surface {
  readonly service: OipService;
  readonly #logger: Logger;
  readonly #maxBodyBytes: number;
  readonly #routes = new Map<string, OipRoute>();

  constructor({ service, logger, maxBodyBytes }: OipSurfaceOptions) {
    this.service = service;
    this.#logger = logger;
    this.#maxBodyBytes = maxBodyBytes;
  }

  owns(path: string): boolean {
    return path.startsWith('/v2/') || path === '/v2';
  }

  admit(head: RequestHead): Admitted {
    const route = this.#match(head.path);
    const action = route.verbs[head.verb === 'HEAD' ? 'GET' : (head.verb as 'GET' | 'POST')];
    if (action === undefined) {
      const allow = verbsOf(route);
      throw new MlosError(
        'METHOD_NOT_ALLOWED',
        `${JSON.stringify(head.path.slice(0, 256))} takes ${allow.join(', ')}, not ${head.verb}.`,
        { details: { allow } },
      );
    }
    return new OipRequest(this, { action, route, head, maxBodyBytes: this.#maxBodyBytes });
  }

  allow(path: string): readonly string[] {
    return verbsOf(this.#match(path));
  }

  refuse(error: MlosError): HttpAnswer {
    return errorAnswer(error);
  }

  failed(thrown: unknown, context: RequestContext): HttpAnswer {
    const { requestId } = context;
    if (!(thrown instanceof MlosError)) {
      this.#logger.error({ requestId, err: thrown }, 'open inference protocol: fault');
    }
    return errorAnswer(MlosError.from(thrown), requestId);
  }

  #match(path: string): OipRoute {
    const known = this.#routes.get(path);
    if (known !== undefined) return known;
    const route = routeOf(path);
    if (this.#routes.size >= rememberedPaths) this.#routes.clear();
    this.#routes.set(path, route);
    return route;
  }
}

function routeOf(path: string): OipRoute {
  const shown = JSON.stringify(path.slice(0, 256));
  let route: OipRoute | null;
  try {
    route = matchOipPath(path);
  } catch (cause) {
    throw new MlosError('INVALID_ARGUMENT', `The path has a bad percent-encoding: ${shown}.`, {
      cause,
    });
  }
  if (route !== null) return route;
  throw new MlosError(
    'UNKNOWN_METHOD',
    `The Open Inference Protocol has no path ${shown}; see docs/open-inference-protocol.md.`,
  );
}

function verbsOf({ verbs }: OipRoute): string[] {
  const allow = Object.keys(verbs);
  if (verbs.GET !== undefined) allow.push('HEAD');
  return [...allow, 'OPTIONS'];
}

function errorAnswer({ code, message, details }: MlosError, requestId?: string): HttpAnswer {
  const headers = retryHeaders(oipHttpStatus(code));
  if (requestId !== undefined) headers.push(['x-request-id', requestId]);
  const allow = details?.['allow'];
  if (code === 'METHOD_NOT_ALLOWED' && Array.isArray(allow)) {
    headers.push(['allow', allow.join(', ')]);
  }
  return {
    status: oipHttpStatus(code),
    contentType: 'application/json',
    body: JSON.stringify({ error: message, code }),
    headers: headers.length === 0 ? null : headers,
  };
}

class OipRequest implements Admitted {
  readonly maxBodyBytes: number;
  readonly compresses = true;
  readonly keepsBody: boolean;
  readonly #surface: OipSurface;
  readonly #action: OipAction;
  readonly #route: OipRoute;
  readonly #headerLength: string;

  constructor(
    surface: OipSurface,
    facts: {
      readonly action: OipAction;
      readonly route: OipRoute;
      readonly head: RequestHead;
      readonly maxBodyBytes: number;
    },
  ) {
    this.#surface = surface;
    this.#action = facts.action;
    this.#route = facts.route;
    this.#headerLength = facts.head.inferenceHeaderLength;
    this.maxBodyBytes = facts.maxBodyBytes;
    // Tensors stay in the body until the model has them; JSON is read at once.
    this.keepsBody = this.#headerLength !== '';
  }

  async run(body: Buffer | null, context: RequestContext): Promise<HttpReply> {
    try {
      return await answerAction(this.#surface.service, {
        action: this.#action,
        route: this.#route,
        body: body ?? Buffer.alloc(0),
        headerLength: this.#headerLength,
        context,
        failed: (thrown) => this.#surface.failed(thrown, context),
      });
    } catch (thrown) {
      return this.#surface.failed(thrown, context);
    }
  }

  refuse(error: MlosError): HttpAnswer {
    return errorAnswer(error);
  }
}
