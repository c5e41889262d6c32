import { MlosError } from '../../../protocol/errors.ts';
import type { MethodName, Params, Result } from '../../../protocol/method-table.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { RequestContext } from '../../request-context.ts';
import { oipFail } from './status.ts';
import { shown } from './tensors.ts';
import type { OipModelRef } from './types.ts';

/** Rows of the method table, called with their types. */
export class OperationCalls {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  call<N extends MethodName>(
    method: N,
    params: Params<N>,
    context: RequestContext,
  ): Result<N> | Promise<Result<N>> {
    return this.#dispatcher.call(method, params, context) as Result<N> | Promise<Result<N>>;
  }
}

/** How the operations name the model of a request. Errors: INVALID_ARGUMENT. */
export function modelParams({ modelName, modelVersion }: OipModelRef): {
  readonly model_id: string;
  readonly ordinal: number;
} {
  if (modelName === '') oipFail('The request names no model.');
  if (modelVersion === '') return { model_id: modelName, ordinal: 0 };
  const ordinal = /^\d{1,15}$/.test(modelVersion) ? Number(modelVersion) : 0;
  if (ordinal > 0) return { model_id: modelName, ordinal };
  throw new MlosError(
    'INVALID_ARGUMENT',
    `The version ${shown(modelVersion)} of ${shown(modelName)} is no positive integer; GET /v2/models/<name> lists those there are.`,
  );
}
