import type { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import type { BodyCollector } from './body.ts';
import { bodyBytes, type HttpAnswer, type HttpStream } from './surface.ts';
import type { UwsResponse } from './uws-library.ts';

/** In characters: up to here the library writes a text sooner than it is made into bytes. */
const shortText = 4_096;

/**
 * A request that is not answered within its callback: its body is still coming, its operation takes
 * time, or the socket has not taken the whole answer. States:
 *
 *     open    → `res` may be used
 *     writing → the answer is partly out; only what writes it may use `res`
 *     over    → the answer is whole or the client is gone; `res` may not be touched any more
 */
export class UwsExchange {
  readonly #res: UwsResponse;
  readonly #context: RequestContext;
  readonly #onEnd: (exchange: UwsExchange) => void;
  #state: 'open' | 'writing' | 'over' = 'open';
  #collector: BodyCollector | null = null;
  /** Wakes who waits until the socket takes more, or will take no more at all. */
  #onWritable: (() => void) | null = null;

  constructor(res: UwsResponse, context: RequestContext, onEnd: (exchange: UwsExchange) => void) {
    this.#res = res;
    this.#context = context;
    this.#onEnd = onEnd;
    res.onAborted(() => {
      this.#context.abort();
      this.#end();
    });
  }

  /** Reads to the end, or hands over the error as soon as the body passes the limit. */
  readBody(
    collector: BodyCollector,
    keepsBody: boolean,
    onBody: (body: Buffer | MlosError) => void,
  ): void {
    this.#collector = collector;
    let isOver = false;
    this.#res.onData((chunk, isLast) => {
      if (isOver) return;
      const body = collected(collector, Buffer.from(chunk), isLast, keepsBody);
      if (body === null) return;
      isOver = true;
      onBody(body);
    });
  }

  /** Runs `writeHead` corked and sends the body after it. */
  answer({ body }: HttpAnswer, writeHead: (res: UwsResponse) => boolean): void {
    if (this.#state !== 'open') return;
    this.#res.cork(() => {
      if (typeof body === 'string' && body.length <= shortText) {
        const sent = !writeHead(this.#res) || this.#res.tryEnd(body, bodyBytes(body))[1];
        if (sent) this.#end();
        else this.finishSlowly([Buffer.from(body)]);
        return;
      }
      // A text is counted and written as bytes: once as text would be twice as bytes where it is large.
      const parts = typeof body === 'string' ? [Buffer.from(body)] : body;
      if (!writeHead(this.#res) || sendParts(this.#res, parts, 0)) this.#end();
      else this.finishSlowly(parts);
    });
  }

  /** The rest goes out as the client reads. */
  finishSlowly(parts: readonly Uint8Array[]): void {
    this.#state = 'writing';
    this.#res.onWritable((offset) => {
      const isWhole = sendParts(this.#res, parts, offset);
      if (isWhole) this.#end();
      return isWhole;
    });
  }

  /** Sends the parts as the client takes them. Whoever makes them hears of it when the client leaves. */
  async stream({ parts }: HttpStream, writeHead: (res: UwsResponse) => boolean): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'writing';
    let wantsBody = true;
    this.#res.cork(() => {
      wantsBody = writeHead(this.#res);
    });
    this.#res.onWritable(() => {
      this.#onWritable?.();
      return true;
    });
    try {
      if (wantsBody) await this.#sendStream(parts);
    } catch {
      // Half an answer must not look whole: the connection ends with it.
      if (!this.#isOver()) this.#res.close();
      return;
    }
    if (this.#isOver()) return;
    this.#res.cork(() => this.#res.end());
    this.#end();
  }

  async #sendStream(parts: HttpStream['parts']): Promise<void> {
    for await (const part of parts) {
      if (this.#isOver()) return;
      let hasRoom = true;
      this.#res.cork(() => {
        hasRoom = this.#res.write(part);
      });
      if (hasRoom) continue;
      await new Promise<void>((resolve) => {
        this.#onWritable = resolve;
      });
      this.#onWritable = null;
    }
  }

  /** A question of its own: the state changes while somebody awaits. */
  #isOver(): boolean {
    return this.#state === 'over';
  }

  #end(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#collector?.drop();
    this.#onWritable?.();
    this.#onEnd(this);
  }
}

/**
 * The body once it is whole, or the error. The memory of a chunk is the library's: what is whole at once
 * is lent to who needs it no longer than that.
 */
function collected(
  collector: BodyCollector,
  chunk: Buffer,
  isLast: boolean,
  keepsBody: boolean,
): Buffer | MlosError | null {
  if (isLast && collector.empty) {
    return collector.checkWhole(chunk) ?? (keepsBody ? Buffer.from(chunk) : chunk);
  }
  return collector.push(chunk) ?? (isLast ? collector.take() : null);
}

/** Sends from byte `offset` of the parts on; false where the socket did not take all of it. */
export function sendParts(res: UwsResponse, parts: readonly Uint8Array[], offset: number): boolean {
  const total = bodyBytes(parts);
  if (total === 0) return res.tryEnd('', 0)[1];
  let begin = 0;
  let isWhole = false;
  for (const part of parts) {
    const end = begin + part.byteLength;
    if (end > offset && part.byteLength > 0) {
      const rest = offset > begin ? part.subarray(offset - begin) : part;
      const [ok, done] = res.tryEnd(rest, total);
      if (!ok) return done;
      isWhole = done;
    }
    begin = end;
  }
  return isWhole;
}
