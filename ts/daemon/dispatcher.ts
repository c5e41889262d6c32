import type { RequestContext } from './request-context.ts';

/**
 * What a door sees of the daemon. Results come synchronously where the operation needs no waiting,
 * so that a cheap answer costs no promise. Throws or rejects with MlosError only.
 */
export interface Dispatcher {
  call(method: string, params: unknown, context: RequestContext): unknown;
}
