import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { didYouMean } from '../../../protocol/nearest.ts';
import type { RequestContext } from '../../request-context.ts';
import type { ApiReply, ApiRoute, StreamReply, TextApi } from '../text/text-api.ts';
import { checkFormType } from './body-form.ts';
import { formValues, parseBody } from './codec.ts';
import { retryHeaders } from './error.ts';
import { eventStream, eventStreamType, type StreamEvent, streamHeaders } from './event-stream.ts';
import type { RequestHead } from './request-head.ts';
import type { Admitted, HttpAnswer, HttpReply, Surface } from './surface.ts';

/** An API of others over HTTP: JSON in, JSON or a stream of it out, errors in its own form. */
export class TextSurface implements Surface {
  readonly api: TextApi;
  readonly #logger: Logger;
  readonly #maxBodyBytes: number;

  constructor(api: TextApi, options: { readonly logger: Logger; readonly maxBodyBytes: number }) {
    this.api = api;
    this.#logger = options.logger;
    this.#maxBodyBytes = options.maxBodyBytes;
  }

  owns(path: string): boolean {
    return this.api.owns(path);
  }

  admit(head: RequestHead): Admitted {
    const routes = this.#routesOf(head.path);
    const verb = head.verb === 'HEAD' ? 'GET' : head.verb;
    const route = routes.find((one) => one.verb === verb);
    if (route === undefined) {
      const allow = verbsOf(routes);
      throw new MlosError(
        'METHOD_NOT_ALLOWED',
        `${shown(head.path)} takes ${allow.join(', ')}, not ${head.verb}.`,
        { details: { allow } },
      );
    }
    const takesForm = route.takesForm === true;
    if (takesForm) checkFormType(head);
    return {
      // A form's files are views of it.
      ...{ maxBodyBytes: this.#maxBodyBytes, keepsBody: takesForm, compresses: false },
      run: (body, context) => this.#run(route, { head, body, context }),
      refuse: (error) => this.refuse(error),
    };
  }

  allow(path: string): readonly string[] {
    return verbsOf(this.#routesOf(path));
  }

  refuse(error: MlosError): HttpAnswer {
    const status = this.api.status(error);
    const headers = retryHeaders(status);
    const allow = error.details?.['allow'];
    if (error.code === 'METHOD_NOT_ALLOWED' && Array.isArray(allow)) {
      headers.push(['allow', allow.join(', ')]);
    }
    return {
      ...{ status, contentType: 'application/json', headers },
      body: JSON.stringify(this.api.error(error)),
    };
  }

  async #run(
    route: ApiRoute,
    facts: { readonly head: RequestHead; readonly body: Buffer | null; context: RequestContext },
  ): Promise<HttpReply> {
    const { head, body, context } = facts;
    try {
      const id = modelIdOf(route, head.path);
      const fields = route.takesForm ? formValues(head.contentType, body) : parseBody(body);
      return await this.#replyOf(route.answer(fields, id, context), context);
    } catch (thrown) {
      return this.refuse(this.#failed(thrown, context));
    }
  }

  async #replyOf(reply: ApiReply, context: RequestContext): Promise<HttpReply> {
    const status = 200;
    if ('whole' in reply) {
      const body = JSON.stringify(await reply.whole());
      return { status, contentType: 'application/json', body, headers: null };
    }
    if ('text' in reply) {
      const contentType = 'text/plain; charset=utf-8';
      return { status, contentType, body: await reply.text(), headers: null };
    }
    await reply.begun;
    const events = this.#events(reply, context);
    const headers = streamHeaders;
    return this.api.stream === 'lines of JSON'
      ? { status, contentType: 'application/x-ndjson', headers, parts: lines(events) }
      : { status, contentType: eventStreamType, headers, parts: eventStream(events) };
  }

  /** Each event as JSON; an error is the last one. */
  async *#events(
    reply: StreamReply,
    context: RequestContext,
  ): AsyncGenerator<StreamEvent, void, void> {
    const { streamEnd } = this.api;
    const isTyped = reply.isTyped === true;
    try {
      for await (const event of reply.events())
        yield isTyped ? typed(event) : JSON.stringify(event);
      if (streamEnd !== null && !isTyped) yield streamEnd;
    } catch (thrown) {
      yield JSON.stringify(this.api.error(this.#failed(thrown, context)));
    }
  }

  #failed(thrown: unknown, { requestId }: RequestContext): MlosError {
    if (!(thrown instanceof MlosError)) {
      this.#logger.error({ requestId, err: thrown }, `${this.api.name}: fault`);
    }
    return MlosError.from(thrown);
  }

  /** Throws UNKNOWN_METHOD. */
  #routesOf(path: string): readonly ApiRoute[] {
    const found = this.api.routes.filter((route) =>
      route.path.endsWith('/') && route.path.length > 1
        ? path.startsWith(route.path) && path.length > route.path.length
        : path === route.path,
    );
    if (found.length > 0) return found;
    const known = this.api.routes.map((route) => route.path);
    throw new MlosError(
      'UNKNOWN_METHOD',
      `There is no path ${shown(path)}.${didYouMean(path, known)} See ${this.api.docs}.`,
    );
  }
}

/** Named by its own type, too. */
function typed(event: unknown): StreamEvent {
  const { type } = event as { readonly type: string };
  return { name: type, data: JSON.stringify(event) };
}

async function* lines(
  events: AsyncGenerator<StreamEvent, void, void>,
): AsyncGenerator<string, void, void> {
  for await (const event of events) yield `${typeof event === 'string' ? event : event.data}\n`;
}

/** Errors: INVALID_ARGUMENT. */
function modelIdOf({ path }: ApiRoute, asked: string): string {
  try {
    return path.endsWith('/') ? decodeURIComponent(asked.slice(path.length)) : '';
  } catch (cause) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `The path has a bad percent-encoding: ${shown(asked)}.`,
      { cause },
    );
  }
}

function verbsOf(routes: readonly ApiRoute[]): string[] {
  const verbs: string[] = routes.map(({ verb }) => verb);
  if (verbs.includes('GET')) verbs.push('HEAD');
  return [...verbs, 'OPTIONS'];
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 256));
}
