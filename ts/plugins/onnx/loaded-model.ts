import type { Engine } from '../../native/engine.ts';
import { openModel } from './choose-runner.ts';
import { type Sessions, sessionsOf } from './generation/sessions.ts';
import type { ModelOptions } from './model-options.ts';
import { openPipeline } from './pipeline.ts';
import type { EngineModel } from './runner.ts';

/** A model of this process, with what it brought into the engine. */
export interface LoadedModel {
  readonly model: EngineModel;
  /** The other one of an encoder with its decoder; null: there is none. */
  readonly other: EngineModel | null;
  readonly sessions: Sessions | null;
}

/** Apps that are attached are told to try again: the model may be loaded anew. */
export async function removeLoaded(engine: Engine, { model, other }: LoadedModel): Promise<void> {
  for (const one of other === null ? [model] : [model, other]) {
    await engine.removeModel(one.added.handle, 'PLUGIN_UNAVAILABLE');
    await one.release();
  }
}

/**
 * Loads a model, and the session beside it where it is an encoder or a decoder of two. `models`: those that a
 * pipeline may name. Errors: MODEL_LOAD_FAILED, INVALID_ARGUMENT, UNIMPLEMENTED.
 */
export async function openLoaded(
  engine: Engine,
  file: string,
  options: ModelOptions,
  models: ReadonlyMap<string, LoadedModel>,
): Promise<LoadedModel> {
  const { pipeline } = options;
  if (pipeline !== null) {
    const named = new Map([...models].map(([id, { model }]) => [id, model]));
    const model = await openPipeline(engine, pipeline, named, options);
    return { model, other: null, sessions: null };
  }
  const model = await openModel(engine, file, options);
  const sessions = sessionsOf(file);
  if (sessions === null) return { model, other: null, sessions };
  const beside = sessions.encoder === file ? sessions.decoder : sessions.encoder;
  const part = { ...options, engine: { ...options.engine, partOf: model.added.handle } };
  try {
    return { model, other: await openModel(engine, beside, part), sessions };
  } catch (error) {
    await removeLoaded(engine, { model, other: null, sessions });
    throw error;
  }
}

/** Which of the two is which; null: it is a model for itself. */
export function pairOf({ model, other, sessions }: LoadedModel, file: string) {
  if (other === null) return null;
  const [own, beside] = [model.added, other.added];
  return sessions?.encoder === file
    ? { encoder: own, decoder: beside }
    : { encoder: beside, decoder: own };
}
