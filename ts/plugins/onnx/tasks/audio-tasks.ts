import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { hear, heardBy } from './hear.ts';
import type { LibraryTensor } from './library.ts';
import { topKOf } from './scored.ts';
import { cutSpeech, type Span } from './speech-spans.ts';
import type { TaskContext } from './task-context.ts';

/** Tasks that listen. The package's feature extractor says how many samples a second it wants. */
// biome-ignore lint/suspicious/noExplicitAny: the library's pipelines are typed for its own models.
type Anything = any;

export async function classifyAudio(context: TaskContext): Promise<unknown> {
  const { library, model } = context;
  const processor = await context.processor();
  const heard = await hear(context.request, processor);
  const { samples, rate } = heard;
  if (samples.length > rate * limits.audioSpanSeconds) {
    throw new MlosError(
      'PAYLOAD_TOO_LARGE',
      `The recording has ${Math.ceil(samples.length / rate)} s; ${limits.audioSpanSeconds} s at most are classified.`,
    );
  }
  const pipeline: Anything = new library.AudioClassificationPipeline({
    ...({ task: 'audio-classification', model, processor } as Anything),
  });
  const listen = () => pipeline(samples, { top_k: topKOf(context) });
  return { labels: await heardBy(heard, listen) };
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
  const processor = await context.processor();
  const heard = await hear(request, processor);
  const { samples, rate } = heard;
  const ids: number[] = [];
  for (const span of cutSpeech(samples.length, rate)) {
    const { from, left, length, right } = span;
    const part = samples.subarray(from, from + left + length + right);
    const listen = async () => model((await processor(part)) as Readonly<Record<string, unknown>>);
    const { logits } = await heardBy(heard, listen);
    if (logits === undefined || logits.dims.length !== 3) {
      throw new MlosError('INFERENCE_FAILED', 'A model of speech gives logits for each frame.');
    }
    for (const id of frameTokens(logits, span)) ids.push(id);
  }
  const text = tokenizer.decode(ids, { skip_special_tokens: true }).trim();
  return { text, duration: samples.length / rate };
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
