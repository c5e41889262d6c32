import type { MethodName, Params, Result } from '../../protocol/method-table.ts';
import type { RequestContext } from '../request-context.ts';

/** The implementation of one row of the method table. */
export type Operation<N extends MethodName> = (
  params: Params<N>,
  context: RequestContext,
) => Result<N> | Promise<Result<N>>;

/** All of them; the compiler proves that no row is missing. */
export type Operations = { readonly [N in MethodName]: Operation<N> };
