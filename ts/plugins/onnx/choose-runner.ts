import type { Engine } from '../../native/engine.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { RunnerChoice } from './engine-options.ts';
import type { ModelOptions } from './model-options.ts';
import { ortNativeRunner } from './ort-native-runner.ts';
import type { EngineModel } from './runner.ts';

const variable = 'MLOS_ONNX_RUNNER';

/** The model's own word, then the environment's; `auto` is native with the JavaScript API behind it. */
function choice({ runner }: ModelOptions): RunnerChoice {
  if (runner !== 'auto') return runner;
  const word = process.env[variable] ?? '';
  if (word === '' || word === 'auto' || word === 'native' || word === 'js') return word || 'auto';
  throw new MlosError(
    'INVALID_ARGUMENT',
    `${variable} is ${JSON.stringify(word)}, but must be auto, native or js.`,
  );
}

async function openWithJs(
  engine: Engine,
  file: string,
  options: ModelOptions,
): Promise<EngineModel> {
  // Loaded only where it is needed: it is a second binding of the same library.
  const { ortJsRunner } = await import('./ort-js-runner.ts');
  return ortJsRunner.open(engine, file, options.session, options.engine);
}

/** Errors: MODEL_LOAD_FAILED, INVALID_ARGUMENT, UNIMPLEMENTED. */
export async function openModel(
  engine: Engine,
  file: string,
  options: ModelOptions,
): Promise<EngineModel> {
  const chosen = choice(options);
  if (chosen === 'js') return openWithJs(engine, file, options);
  try {
    return await ortNativeRunner.open(engine, file, options.session, options.engine);
  } catch (error) {
    const cannot = MlosError.from(error).code === 'UNIMPLEMENTED';
    if (chosen === 'native' || !cannot) throw error;
    // Where neither can, the native runner's word is the plainer one.
    return await openWithJs(engine, file, options).catch(() => {
      throw error;
    });
  }
}
