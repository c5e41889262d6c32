import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { limits } from '../../../protocol/limits.ts';
import { RequestContext } from '../../request-context.ts';
import { errorAnswer, type HttpAnswer } from './error.ts';
import type { Admitted, HttpHandler } from './handler.ts';
import { RequestHead } from './request-head.ts';

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
  readonly #head: RequestHead;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    handler: HttpHandler,
    isDraining: () => boolean,
  ) {
    this.#req = req;
    this.#res = res;
    this.#handler = handler;
    this.#isDraining = isDraining;
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
    const context = new RequestContext('http');
    const answer = this.#handler.run(admitted, body, context);
    if (!(answer instanceof Promise)) {
      this.#answer(answer);
      return;
    }
    this.#res.once('close', () => {
      if (!this.#res.writableFinished) context.abort();
    });
    void answer.then((value) => this.#answer(value));
  }

  #readBody(admitted: Admitted): void {
    const collector = this.#handler.collector();
    this.#res.once('close', () => collector.drop());
    // Cut by node when nothing comes for this long; a body that keeps coming may take longer.
    this.#req.socket.setTimeout(limits.httpIdleTimeoutMs);
    const onData = (chunk: Buffer) => {
      const refusal = collector.push(chunk);
      if (refusal === null) return;
      this.#req.off('data', onData);
      this.#req.off('end', onEnd);
      this.#refuse(errorAnswer(refusal));
    };
    const onEnd = () => {
      this.#req.socket.setTimeout(0);
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
    if (this.#head.verb !== 'HEAD') this.#res.write(answer.body);
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
    if (answer.body.length > largeAnswerBytes) {
      this.#req.socket.setTimeout(limits.httpIdleTimeoutMs);
    }
    this.#writeHead(answer, this.#isDraining() ? { connection: 'close' } : {});
    this.#res.end(this.#head.verb === 'HEAD' ? undefined : answer.body);
  }

  #writeHead(answer: HttpAnswer, headers: OutgoingHttpHeaders): void {
    headers['content-type'] = 'application/json';
    headers['content-length'] = Buffer.byteLength(answer.body);
    for (const [name, value] of answer.headers ?? []) headers[name] = value;
    if (this.#head.origin !== '') {
      for (const [name, value] of this.#handler.corsHeaders(this.#head.origin) ?? []) {
        headers[name] = value;
      }
    }
    this.#res.writeHead(answer.status, headers);
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
