import { MlosError } from '../../../protocol/errors.ts';
import type { Result } from '../../../protocol/method-table.ts';
import type { RequestContext } from '../../request-context.ts';
import type { ModelFacts, TextModels } from '../text/text-models.ts';

/** Loads the model where it is not, and says how long it stays; what is known of it then. */
export async function load(
  models: TextModels,
  id: string,
  context: RequestContext,
  keepAliveMs: number | undefined,
): Promise<ModelFacts> {
  // One that goes behind the answer must not go before it.
  const keep = keepAliveMs === undefined || keepAliveMs === 0 ? {} : { keep_alive_ms: keepAliveMs };
  const answer = await models.call('models.load', { model_id: id, ...keep }, context);
  return (answer as Result<'models.load'>).model;
}

export async function unload(
  models: TextModels,
  id: string,
  context: RequestContext,
): Promise<void> {
  await models.call('models.unload', { model_id: id }, context);
}

/** The same where it goes with an answer, which is not lost for it. */
export async function unloadBehind(
  models: TextModels,
  id: string,
  context: RequestContext,
): Promise<void> {
  try {
    await unload(models, id, context);
  } catch (thrown) {
    // A pipeline that is loaded holds it, or somebody has unregistered it meanwhile: both as it should be.
    const { code } = MlosError.from(thrown);
    if (code !== 'FAILED_PRECONDITION' && code !== 'MODEL_NOT_FOUND') throw thrown;
  }
}
