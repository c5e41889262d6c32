import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { PluginTaskRequest } from '../../../smi/serve.ts';
import { Turns } from '../../turns.ts';
import type { Processor } from './library.ts';

const turns = new Turns({ atOnce: limits.mediaAtOnce, what: 'Recordings are read' });

export interface Heard {
  readonly samples: Float32Array;
  /** Samples per second. */
  readonly rate: number;
}

/** The extractor's own facts; its type is the library's secret. */
export function extractorConfig(processor: Processor): Readonly<Record<string, unknown>> {
  const { feature_extractor: extractor } = processor as unknown as {
    readonly feature_extractor?: { readonly config?: Readonly<Record<string, unknown>> } | null;
  };
  return extractor?.config ?? {};
}

/** The window of the features that models of sound are made of. */
const leastSeconds = 0.025;

/** Runs a model; of what is shorter than any window the runtime complains in terms of its own. */
export async function heardBy<T>({ samples, rate }: Heard, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const isShort = samples.length < rate * leastSeconds;
    if (!isShort || MlosError.from(error).code !== 'INFERENCE_FAILED') throw error;
    throw new MlosError(
      'INVALID_VALUE',
      `The recording is too short for this model: it has ${samples.length} samples (${rate} a second).`,
      { cause: error },
    );
  }
}

/**
 * A request's recording, as the package's feature extractor wants it.
 * Errors: INFERENCE_FAILED for one that does not say; those of reading a recording.
 */
export async function hear(request: PluginTaskRequest, processor: Processor): Promise<Heard> {
  const { inputs, signal } = request;
  const { sampling_rate: rate } = extractorConfig(processor);
  if (
    typeof rate !== 'number' ||
    rate < limits.audioLeastSampleRate ||
    rate > limits.audioSampleRate
  ) {
    throw new MlosError(
      'INFERENCE_FAILED',
      "The package's processor does not say how many samples a second it wants (sampling_rate).",
    );
  }
  // Its codecs and the resampler are loaded with the first recording.
  const { readRecording } = await import('./media/recording.ts');
  const read = () => readRecording(inputs['audio'] as Uint8Array, rate, signal);
  return { samples: await turns.run(signal, read), rate };
}
