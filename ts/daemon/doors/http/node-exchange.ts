import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { limits } from '../../../protocol/limits.ts';
import type { Patience } from '../patience.ts';
import type { HttpHandler } from './handler.ts';
import { contextOf } from './prefer.ts';
import { RequestHead } from './request-head.ts';
import {
  type Admitted,
  bodyBytes,
  type HttpAnswer,
  type HttpReply,
  type HttpStream,
} from './surface.ts';

/** A refused body is read and dropped up to here, and this long, so that the client reads its 413. */
const drainBytes = 256 * 1024 * 1024;
const drainMs = 10_000;
/** An answer above this size may meet a reader that does not read. */
const largeAnswerBytes = 64 * 1024;

/** One request of the node:http adapter. */
export class NodeExchange {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #handler: HttpHandler;
  readonly #isDraining: () => boolean;
  readonly #patience: Patience;
  readonly #head: RequestHead;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    handler: HttpHandler,
    door: { readonly isDraining: () => boolean; readonly patience: Patience },
  ) {
    this.#req = req;
    this.#res = res;
    this.#handler = handler;
    this.#isDraining = door.isDraining;
    this.#patience = door.patience;
    this.#head = readHead(req);
  }

  start(awaitsContinue: boolean): void {
    const admitted = this.#handler.admit(this.#head);
    if ('status' in admitted) {
      this.#refuse(admitted);
      return;
    }
    if (!this.#head.hasBody) {
      this.#run(admitted, null);
      return;
    }
    if (awaitsContinue) this.#res.writeContinue();
    this.#readBody(admitted);
  }

  #run(admitted: Admitted, body: Buffer | null): void {
    const context = contextOf(this.#head);
    const reply = admitted.run(body, context);
    if (reply instanceof Promise || 'parts' in reply) {
      this.#res.once('close', () => {
        if (!this.#res.writableFinished) context.abort();
      });
    }
    if (reply instanceof Promise) void reply.then((value) => this.#reply(value));
    else this.#reply(reply);
  }

  #reply(reply: HttpReply): void {
    if ('parts' in reply) void this.#stream(reply);
    else this.#answer(reply);
  }

  #readBody(admitted: Admitted): void {
    const collector = this.#handler.collector(admitted, this.#head.contentLength);
    let arrived = 0;
    const rest = {
      moves: () => {
        const isMoving = arrived >= limits.httpBodyProgressBytes;
        arrived = 0;
        return isMoving;
      },
      giveUp: () => this.#req.socket.destroy(),
    };
    this.#patience.wait(rest);
    this.#res.once('close', () => {
      this.#patience.stop(rest);
      collector.drop();
    });
    const onData = (chunk: Buffer) => {
      arrived += chunk.byteLength;
      const refusal = collector.push(chunk);
      if (refusal === null) return;
      this.#req.off('data', onData);
      this.#req.off('end', onEnd);
      this.#patience.stop(rest);
      this.#refuse(admitted.refuse(refusal));
    };
    const onEnd = () => {
      this.#patience.stop(rest);
      this.#run(admitted, collector.take());
    };
    this.#req.on('data', onData);
    this.#req.on('end', onEnd);
  }

  /**
   * Answers before the body has come. Closing at once would make the kernel send a reset, and the
   * client would lose the answer that lies in its buffer: so the answer is written whole, and the
   * exchange ends only when the body has passed by, or too much of it or too late.
   */
  #refuse(answer: HttpAnswer): void {
    if (!this.#head.hasBody) {
      this.#answer(answer);
      return;
    }
    const { socket } = this.#req;
    this.#writeHead(answer, { connection: 'close' });
    if (this.#head.verb !== 'HEAD') this.#write(answer.body);
    // `end` marks the answer as complete for node, which then closes: the body is whole or given up.
    const finish = () => {
      clearTimeout(timer);
      this.#res.end();
    };
    const timer = setTimeout(() => socket.destroy(), drainMs);
    this.#res.once('close', () => clearTimeout(timer));
    let dropped = 0;
    this.#req.on('data', (chunk: Buffer) => {
      dropped += chunk.byteLength;
      if (dropped > drainBytes) socket.destroy();
    });
    this.#req.once('end', finish);
    this.#req.resume();
  }

  #answer(answer: HttpAnswer): void {
    if (this.#res.destroyed) return;
    if (bodyBytes(answer.body) > largeAnswerBytes) {
      this.#req.socket.setTimeout(limits.httpIdleTimeoutMs);
    }
    this.#writeHead(answer, this.#isDraining() ? { connection: 'close' } : {});
    if (this.#head.verb !== 'HEAD') this.#write(answer.body);
    this.#res.end();
  }

  /** Parts lie where they were made: node writes them together, with the head. */
  #write(body: HttpAnswer['body']): void {
    this.#res.cork();
    for (const part of typeof body === 'string' ? [body] : body) this.#res.write(part);
    this.#res.uncork();
  }

  /** Sends the parts as the client takes them. Whoever makes them hears of it when the client leaves. */
  async #stream(reply: HttpStream): Promise<void> {
    const res = this.#res;
    if (res.destroyed) return;
    // Only the client's own time counts: what is silent because its model works is not idle.
    this.#req.socket.setTimeout(0);
    this.#writeHead(reply, this.#isDraining() ? { connection: 'close' } : {});
    res.flushHeaders();
    try {
      if (this.#head.verb !== 'HEAD') await this.#sendStream(reply.parts);
    } catch {
      // Half an answer must not look whole: the connection ends with it.
      res.destroy();
      return;
    }
    this.#req.socket.setTimeout(limits.httpIdleTimeoutMs);
    res.end();
  }

  async #sendStream(parts: HttpStream['parts']): Promise<void> {
    const res = this.#res;
    for await (const part of parts) {
      if (res.destroyed) return;
      if (res.write(part)) continue;
      this.#req.socket.setTimeout(limits.httpIdleTimeoutMs);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#req.socket.setTimeout(0);
          res.off('drain', wake);
          res.off('close', wake);
          resolve();
        };
        res.once('drain', wake);
        res.once('close', wake);
      });
    }
  }

  #writeHead(reply: HttpReply, headers: OutgoingHttpHeaders): void {
    headers['content-type'] = reply.contentType;
    if ('body' in reply) headers['content-length'] = bodyBytes(reply.body);
    for (const [name, value] of reply.headers ?? []) headers[name] = value;
    if (this.#head.origin !== '') {
      for (const [name, value] of this.#handler.corsHeaders(this.#head.origin) ?? []) {
        headers[name] = value;
      }
    }
    this.#res.writeHead(reply.status, headers);
  }
}

function readHead(req: IncomingMessage): RequestHead {
  const url = req.url ?? '/';
  const question = url.indexOf('?');
  const path = question < 0 ? url : url.slice(0, question);
  const head = new RequestHead(
    req.method ?? 'GET',
    path,
    question < 0 ? '' : url.slice(question + 1),
  );
  const { rawHeaders } = req;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    head.add((rawHeaders[i] ?? '').toLowerCase(), rawHeaders[i + 1] ?? '');
  }
  return head;
}
