import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { RequestContext } from '../../request-context.ts';
import { whyNotListening } from '../listen-error.ts';
import { statusLine } from './error.ts';
import type { HttpHandler } from './handler.ts';
import { contextOf } from './prefer.ts';
import { RequestHead } from './request-head.ts';
import type { HttpListener, ListenOptions } from './server.ts';
import { type Admitted, bodyBytes, type HttpAnswer, type HttpReply } from './surface.ts';
import { sendParts, UwsExchange } from './uws-exchange.ts';
import type { Uws, UwsApp, UwsRequest, UwsResponse } from './uws-library.ts';

/**
 * The door on uWebSockets.js. Rules of that library which this file and uws-exchange.ts obey:
 *
 * 1. `req` lives only within the callback; everything needed is copied out of it first.
 * 2. Before the callback returns without an answer, `onAborted` must be set. After it, or after a
 *    complete answer, `res` may not be touched: every use goes through one state flag.
 * 3. Within the callback writes are corked into one packet; later ones need `cork`.
 * 4. Answers go out with `tryEnd`, not `end`. `end` copies whatever the socket does not take, without
 *    bound, and reads on: 10,000 pipelined requests of a client that never reads held 600 MB. After
 *    an unfinished `tryEnd` the request counts as under way, and the library cuts a client that
 *    sends another one meanwhile.
 * 5. The library itself answers `Expect: 100-continue`, before the callback; a test guards that.
 *    A body that comes after a final answer is read and dropped for at most 10 s, so a client that is
 *    still sending can read its 413, and the connection stays usable.
 * 6. TCP_NODELAY is set, and idle connections, late heads and unread answers are cut by the library,
 *    after 8 to 12 s, because it looks every 4 s; so is a body that does not come at 16 KiB/s on average.
 */
class UwsListener implements HttpListener {
  readonly port: number;
  readonly #uws: Uws;
  readonly #app: UwsApp;
  readonly #token: unknown;
  readonly #underWay: Set<UwsExchange>;
  #onIdle: (() => void) | null = null;
  #closed: Promise<void> | null = null;

  constructor(uws: Uws, app: UwsApp, token: unknown, underWay: Set<UwsExchange>) {
    this.#uws = uws;
    this.#app = app;
    this.#token = token;
    this.#underWay = underWay;
    this.port = uws.us_socket_local_port(token);
  }

  get connections(): number {
    return this.#underWay.size;
  }

  get draining(): boolean {
    return this.#closed !== null;
  }

  exchangeEnded(): void {
    if (this.#underWay.size === 0) this.#onIdle?.();
  }

  close({ graceMs = limits.drainMs }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    this.#uws.us_listen_socket_close(this.#token);
    if (this.#underWay.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    // Kept-alive connections without a request, and whatever outlasted its grace.
    this.#app.close();
  }
}

export async function listenWithUws(uws: Uws, options: ListenOptions): Promise<HttpListener> {
  const { host, port, handler, maxConnections } = options;
  const underWay = new Set<UwsExchange>();
  let listener: UwsListener | null = null;
  const end = (exchange: UwsExchange) => {
    underWay.delete(exchange);
    listener?.exchangeEnded();
  };
  const track = (res: UwsResponse, context: RequestContext): UwsExchange => {
    const exchange = new UwsExchange(res, context, end);
    underWay.add(exchange);
    return exchange;
  };
  const door = new UwsRequests(handler, {
    track,
    isFull: () => underWay.size >= maxConnections,
    isDraining: () => listener?.draining ?? false,
  });
  const app = uws.App().any('/*', (res, req) => door.onRequest(res, req));
  // 1 is LIBUS_LISTEN_EXCLUSIVE_PORT: without it two daemons would share the port in silence.
  const token = await new Promise<unknown>((resolve) => app.listen(host, port, 1, resolve));
  if (!token) throw await whyNotListening(host, port);
  listener = new UwsListener(uws, app, token, underWay);
  return listener;
}

interface Effects {
  readonly track: (res: UwsResponse, context: RequestContext) => UwsExchange;
  readonly isFull: () => boolean;
  readonly isDraining: () => boolean;
}

class UwsRequests {
  readonly #handler: HttpHandler;
  readonly #effects: Effects;

  constructor(handler: HttpHandler, effects: Effects) {
    this.#handler = handler;
    this.#effects = effects;
  }

  onRequest(res: UwsResponse, req: UwsRequest): void {
    const head = new RequestHead(
      req.getCaseSensitiveMethod(),
      req.getUrl(),
      req.getQuery() ?? '', // Rule 1
    );
    req.forEach((name, value) => {
      head.add(name, value);
    });
    const admitted = this.#handler.admit(head);
    if ('status' in admitted) {
      this.#answerAtOnce(res, head, admitted, null);
      return;
    }
    const context = contextOf(head);
    if (this.#effects.isFull()) {
      const error = new MlosError('TOO_MANY_REQUESTS', 'Too many requests are under way here.');
      this.#answerAtOnce(res, head, admitted.refuse(error), context);
    } else if (head.hasBody) {
      this.#readBody(res, head, admitted, context);
    } else {
      const reply = admitted.run(null, context);
      if (reply instanceof Promise || 'parts' in reply) {
        this.#answer(this.#effects.track(res, context), head, reply);
      } else {
        this.#answerAtOnce(res, head, reply, context);
      }
    }
  }

  /** Still inside the library's callback, so corked already (rule 3). */
  #answerAtOnce(
    res: UwsResponse,
    head: RequestHead,
    answer: HttpAnswer,
    context: RequestContext | null,
  ): void {
    if (!this.#writeHead(res, head, answer)) return;
    const { body } = answer;
    if (typeof body === 'string' ? res.tryEnd(body, bodyBytes(body))[1] : sendParts(res, body, 0)) {
      return;
    }
    const exchange = this.#effects.track(res, context ?? new RequestContext('http'));
    exchange.finishSlowly(typeof body === 'string' ? [Buffer.from(body)] : body);
  }

  #answer(exchange: UwsExchange, head: RequestHead, reply: HttpReply | Promise<HttpReply>): void {
    if (reply instanceof Promise) {
      void reply.then((value) => this.#answer(exchange, head, value));
      return;
    }
    const writeHead = (res: UwsResponse) => this.#writeHead(res, head, reply);
    if ('parts' in reply) void exchange.stream(reply, writeHead);
    else exchange.answer(reply, writeHead);
  }

  #readBody(
    res: UwsResponse,
    head: RequestHead,
    admitted: Admitted,
    context: RequestContext,
  ): void {
    const exchange = this.#effects.track(res, context);
    const collector = this.#handler.collector(admitted, head.contentLength);
    exchange.readBody(collector, admitted.keepsBody, (body) => {
      const reply = body instanceof MlosError ? admitted.refuse(body) : admitted.run(body, context);
      this.#answer(exchange, head, reply);
    });
  }

  /** Everything before the body; false where none follows, and the answer is whole. */
  #writeHead(res: UwsResponse, head: RequestHead, reply: HttpReply): boolean {
    if (reply.status !== 200) res.writeStatus(statusLine(reply.status));
    if (this.#effects.isDraining()) res.writeHeader('connection', 'close');
    res.writeHeader('content-type', reply.contentType);
    for (const [name, value] of reply.headers ?? []) res.writeHeader(name, value);
    if (head.origin !== '') {
      for (const [name, value] of this.#handler.corsHeaders(head.origin) ?? []) {
        res.writeHeader(name, value);
      }
    }
    if (head.verb !== 'HEAD') return true;
    // Not as the argument of endWithoutBody, which then waits for a body and aborts the process.
    if ('body' in reply) res.writeHeader('content-length', String(bodyBytes(reply.body)));
    res.endWithoutBody();
    return false;
  }
}
