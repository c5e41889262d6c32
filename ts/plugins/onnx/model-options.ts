import type { EngineModelOptions } from '../../native/engine.ts';
import { MlosError } from '../../protocol/errors.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import {
  defaultEngineOptions,
  engineModelOptions,
  engineReaders,
  type PipelineOption,
  type RunnerChoice,
} from './engine-options.ts';
import type { OptionReader } from './option-reader.ts';
import { type SessionSettings, sessionReaders } from './session-options.ts';

export type { PipelineOption } from './engine-options.ts';

/** The options of one model, read. */
export interface ModelOptions {
  readonly session: SessionSettings;
  readonly engine: EngineModelOptions;
  readonly runner: RunnerChoice;
  /** The model is other models, one after the other; null: it is not. */
  readonly pipeline: PipelineOption | null;
}

const known = [...Object.keys(sessionReaders), ...Object.keys(engineReaders)];

function own<T>(
  readers: Readonly<Record<string, OptionReader<T>>>,
  key: string,
): OptionReader<T> | undefined {
  return Object.hasOwn(readers, key) ? readers[key] : undefined;
}

function apply<T>(key: string, reader: OptionReader<T>, target: T, value: unknown): void {
  if (reader.read(target, value)) return;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `Option ${key}: ${JSON.stringify(value)} came; expected ${reader.right}.`,
  );
}

/** Throws INVALID_ARGUMENT naming the option, what came and what would be right. */
export function readModelOptions(given: Readonly<Record<string, unknown>>): ModelOptions {
  const session: SessionSettings = {};
  const { ...engine } = defaultEngineOptions();
  for (const [key, value] of Object.entries(given)) {
    const ofSession = own(sessionReaders, key);
    const ofEngine = own(engineReaders, key);
    if (ofSession !== undefined) apply(key, ofSession, session, value);
    else if (ofEngine !== undefined) apply(key, ofEngine, engine, value);
    else {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `The onnx plugin has no option ${JSON.stringify(key)}.${didYouMean(key, known)} ` +
          `Known: ${known.join(', ')}.`,
      );
    }
  }
  const options = engineModelOptions(engine, session.intraOpThreads ?? 0);
  const { runner, pipeline } = engine;
  return { session, engine: options, runner, pipeline };
}
