import type { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import type { BodyCollector } from './body.ts';
import type { UwsResponse } from './uws-library.ts';

/**
 * A request that is not answered within its callback: its body is still coming, its operation takes
 * time, or the socket has not taken the whole answer. States:
 *
 *     open    → `res` may be used
 *     writing → the answer is partly out; only onWritable may use `res`
 *     over    → the answer is whole or the client is gone; `res` may not be touched any more
 */
export class UwsExchange {
  readonly #res: UwsResponse;
  readonly #context: RequestContext;
  readonly #onEnd: (exchange: UwsExchange) => void;
  #state: 'open' | 'writing' | 'over' = 'open';
  #collector: BodyCollector | null = null;

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
  readBody(collector: BodyCollector, onBody: (body: Buffer | MlosError) => void): void {
    this.#collector = collector;
    let isOver = false;
    this.#res.onData((chunk, isLast) => {
      if (isOver) return;
      // The memory belongs to the library; only a body that is whole at once can be read in place.
      const bytes = Buffer.from(chunk);
      const refusal = collector.push(isLast ? bytes : Buffer.from(bytes));
      if (refusal !== null) {
        isOver = true;
        onBody(refusal);
      } else if (isLast) {
        isOver = true;
        onBody(collector.take());
      }
    });
  }

  /** Runs `write` corked. It tells whether the socket took everything. */
  write(body: Buffer, write: (res: UwsResponse, body: Buffer) => boolean): void {
    if (this.#state !== 'open') return;
    this.#res.cork(() => {
      if (write(this.#res, body)) this.#end();
      else this.finishSlowly(body);
    });
  }

  /** The rest of `body` goes out as the client reads. */
  finishSlowly(body: Buffer): void {
    this.#state = 'writing';
    this.#res.onWritable((offset) => {
      const [ok, done] = this.#res.tryEnd(body.subarray(offset), body.byteLength);
      if (done) this.#end();
      return ok;
    });
  }

  #end(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#collector?.drop();
    this.#onEnd(this);
  }
}
