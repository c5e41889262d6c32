import type { Logger } from 'pino';
import { MlosError } from '../protocol/errors.ts';
import { findMethod, methodTable } from '../protocol/method-table.ts';
import type { MethodSpec } from '../protocol/methods/method.ts';
import { didYouMean } from '../protocol/nearest.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Counters } from './observe/counters.ts';
import type { Operations } from './operations/operation.ts';
import { validateParams } from './operations/validate.ts';
import type { RequestContext } from './request-context.ts';

type Handler = (params: never, context: RequestContext) => unknown;

/**
 * The one way from a door to an operation: find → validate → run → count → map errors. Knows no
 * transport. Answers synchronously where the operation does.
 */
export class Dispatch implements Dispatcher {
  readonly #operations: Operations;
  readonly #counters: Counters;
  readonly #logger: Logger;
  /** Requests under way, for draining. */
  #active = 0;
  #draining = false;
  #onIdle: (() => void) | null = null;

  constructor(options: {
    readonly operations: Operations;
    readonly counters: Counters;
    readonly logger: Logger;
  }) {
    this.#operations = options.operations;
    this.#counters = options.counters;
    this.#logger = options.logger;
  }

  call(name: string, params: unknown, context: RequestContext): unknown {
    const started = performance.now();
    let result: unknown;
    try {
      const method = this.#find(name);
      const handler = this.#operations[method.name as keyof Operations] as Handler;
      result = handler(validateParams(method, params) as never, context);
    } catch (thrown) {
      throw this.#failed(thrown, name, context, started);
    }
    if (result instanceof Promise) return this.#settle(result, name, context, started);
    this.#counters.success((performance.now() - started) * 1000, name, context.door);
    return result;
  }

  /** Takes no new work and resolves when the accepted requests are answered, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<{ readonly abandoned: number }> {
    this.#draining = true;
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#onIdle = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return { abandoned: this.#active };
  }

  get draining(): boolean {
    return this.#draining;
  }

  #find(name: string): MethodSpec {
    const method = findMethod(name);
    if (method === undefined) {
      throw new MlosError(
        'UNKNOWN_METHOD',
        `There is no method ${JSON.stringify(name.slice(0, 100))}.` +
          didYouMean(
            name,
            methodTable.map((row) => row.name),
          ),
      );
    }
    if (this.#draining && !name.startsWith('health.')) {
      throw new MlosError(
        'SHUTTING_DOWN',
        'The daemon is shutting down and takes no new requests.',
      );
    }
    return method;
  }

  async #settle(
    result: Promise<unknown>,
    name: string,
    context: RequestContext,
    started: number,
  ): Promise<unknown> {
    this.#active += 1;
    try {
      const value = await result;
      this.#counters.success((performance.now() - started) * 1000, name, context.door);
      return value;
    } catch (thrown) {
      throw this.#failed(thrown, name, context, started);
    } finally {
      this.#active -= 1;
      if (this.#active === 0) this.#onIdle?.();
    }
  }

  #failed(thrown: unknown, name: string, context: RequestContext, started: number): MlosError {
    const error = MlosError.from(thrown);
    const durationUs = (performance.now() - started) * 1000;
    // A name that is no method's is the client's own, and not counted by.
    const method = findMethod(name)?.name ?? 'unknown';
    this.#counters.failure(durationUs, error.code, method, context.door);
    const facts = {
      request_id: context.requestId,
      door: context.door,
      method: name.slice(0, 100),
      code: error.code,
      duration_us: Math.round(durationUs),
    };
    if (error.code === 'INTERNAL') {
      this.#logger.error({ ...facts, err: error.cause ?? error }, error.message);
    } else this.#logger.info(facts, error.message);
    return error;
  }
}
