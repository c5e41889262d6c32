import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { Turns } from '../../turns.ts';
import type { LibraryTensor, Processor } from './library.ts';
import { topKOf } from './scored.ts';
import { cutSpeech, type Span } from './speech-spans.ts';
import type { TaskContext } from './task-context.ts';

/** Tasks that listen. The package's feature extractor says how many samples a second it wants. */
// biome-ignore lint/suspicious/noExplicitAny: the library's pipelines are typed for its own models.
type Anything = any;

const turns = new Turns({ atOnce: limits.mediaAtOnce, what: 'Recordings are read' });

interface Heard {
  readonly samples: Float32Array;
  /** Samples per second. */
  readonly rate: number;
  readonly processor: Processor;
}

async function hear(context: TaskContext): Promise<Heard> {
  const { inputs, signal } = context.request;
  const processor = await context.processor();
  const rate = (processor.feature_extractor as Anything)?.config?.sampling_rate as unknown;
  if (typeof rate !== 'number' || rate < 1_000 || rate > limits.audioSampleRate) {
    throw new MlosError(
      'INFERENCE_FAILED',
      "The package's processor does not say how many samples a second it wants (sampling_rate).",
    );
  }
  // Its codecs and the resampler are loaded with the first recording.
  const { readRecording } = await import('./media/recording.ts');
  const read = () => readRecording(inputs['audio'] as Uint8Array, rate, signal);
  return { samples: await turns.run(signal, read), rate, processor };
}

export async function classifyAudio(context: TaskContext): Promise<unknown> {
  const { library, model } = context;
  const { samples, rate, processor } = await hear(context);
  if (samples.length > rate * limits.audioSpanSeconds) {
    throw new MlosError(
      'PAYLOAD_TOO_LARGE',
      `The recording has ${Math.ceil(samples.length / rate)} s; ${limits.audioSpanSeconds} s at most are classified.`,
    );
  }
  const pipeline: Anything = new library.AudioClassificationPipeline({
    ...({ task: 'audio-classification', model, processor } as Anything),
  });
  return { labels: await pipeline(samples, { top_k: topKOf(context) }) };
}

/** The likeliest token of each frame between the span's edges, which only help to hear what lies inside. */
function frameTokens(logits: LibraryTensor, { left, length, right }: Span): number[] {
  const [, frames = 0, width = 0] = logits.dims;
  const data = logits.data as Float32Array;
  const perSample = frames / (left + length + right);
  const from = Math.round(left * perSample);
  const to = frames - Math.round(right * perSample);
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => {
    const row = data.subarray((from + at) * width, (from + at + 1) * width);
    let likeliest = 0;
    for (let token = 1; token < width; token += 1) {
      if ((row[token] as number) > (row[likeliest] as number)) likeliest = token;
    }
    return likeliest;
  });
}

/** By a model that says a token or nothing for each frame (CTC). */
export async function recognizeSpeech(context: TaskContext): Promise<unknown> {
  const { model, request } = context;
  refuseOptions(request.parameters);
  const tokenizer = await context.tokenizer();
  const { samples, rate, processor } = await hear(context);
  const ids: number[] = [];
  for (const span of cutSpeech(samples.length, rate)) {
    const { from, left, length, right } = span;
    const part = samples.subarray(from, from + left + length + right);
    const { logits } = await model((await processor(part)) as Readonly<Record<string, unknown>>);
    if (logits === undefined || logits.dims.length !== 3) {
      throw new MlosError('INFERENCE_FAILED', 'A model of speech gives logits for each frame.');
    }
    for (const id of frameTokens(logits, span)) ids.push(id);
  }
  return { text: tokenizer.decode(ids, { skip_special_tokens: true }).trim() };
}

/** What only models that write can do. */
function refuseOptions({ language, translate, timestamps, temperature }: Anything): void {
  const given = [
    ...(language === undefined ? [] : ['language']),
    ...(translate === true ? ['translate'] : []),
    ...(timestamps === undefined || timestamps === 'none' ? [] : ['timestamps']),
    ...(temperature === undefined || temperature === 0 ? [] : ['temperature']),
  ];
  if (given.length === 0) return;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `This model hears one language, as it was trained; it cannot take ${given.join(', ')}. Leave that out.`,
  );
}
