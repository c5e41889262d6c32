import type { InferInput } from '../../../client/tensor-wire.ts';
import { MlosError } from '../../../protocol/errors.ts';
import type { PluginTaskRequest } from '../../../smi/serve.ts';
import { generate } from '../../generation/generate.ts';
import { type GenerationSettings, generationSettings } from '../../generation/settings.ts';
import type { Saying } from '../../generation/writing.ts';
import { extractorConfig, hear } from '../tasks/hear.ts';
import { type Library, type LibraryTensor, library, type Tokenizer } from '../tasks/library.ts';
import { cutSpeech } from '../tasks/speech-spans.ts';
import type { PackageTools } from '../tasks/task-context.ts';
import { contextOf } from './context-length.ts';
import { textDecoder } from './decode-text.ts';
import type { Encoded, EncoderDecoder } from './encoder-decoder.ts';
import { endTokens } from './end-tokens.ts';
import { askedLanguage, type Whisper, whisperPrompt } from './whisper-prompt.ts';
import { timesConstraint, writeWithTimes } from './whisper-times.ts';

/** One request to a Whisper model. */
interface Hearing {
  readonly request: PluginTaskRequest;
  readonly model: EncoderDecoder;
  readonly whisper: Whisper;
  readonly tokenizer: Tokenizer;
}

function asInput({ dims, data }: LibraryTensor): InferInput {
  return { dtype: 'float32', shape: [...dims], data: data as Float32Array };
}

/** What the library's tokenizer of these models knows. */
interface SpokenTokenizer {
  _decode_asr(
    spans: readonly { readonly tokens: readonly number[]; readonly stride: readonly number[] }[],
    how: object,
  ): [string, { chunks?: { text: string; timestamp: [number, number | null] }[] }];
}

const encode = ({ model, request }: Hearing, features: LibraryTensor) =>
  model.encode({ input_features: asInput(features) }, null, request);

/** The likeliest language of what was read. */
async function heardLanguage(hearing: Hearing, encoded: Encoded): Promise<string> {
  const { model, whisper, request } = hearing;
  const logits = await model.decode(encoded, request.signal, (decoder) =>
    decoder.read([whisper.start], request),
  );
  const likelier = (a: [string, number], b: [string, number]) =>
    (logits[b[1]] ?? Number.NEGATIVE_INFINITY) > (logits[a[1]] ?? Number.NEGATIVE_INFINITY) ? b : a;
  return [...(whisper.languages ?? [])].reduce(likelier, ['en', -1])[0];
}

function writeTokens(
  { model, request, tokenizer }: Hearing,
  encoded: Encoded,
  prompt: readonly number[],
  settings: GenerationSettings,
  say: (saying: Saying) => void,
): Promise<readonly number[]> {
  const { signal } = request;
  const decode = textDecoder(tokenizer);
  return model.decode(encoded, signal, async (decoder) => {
    const read = (tokens: readonly number[]) => decoder.read(tokens, request);
    return (await generate(prompt, settings, { signal, decode, say, read })).ids;
  });
}

function settingsOf(
  { model, request, tokenizer }: Hearing,
  prompt: readonly number[],
  times: Library | null,
): GenerationSettings {
  const { facts } = model;
  const about = {
    ...{ packaged: facts.generation, context: contextOf(facts) },
    ends: endTokens(facts, tokenizer),
  };
  const settings = generationSettings(request.parameters, about, {
    ...{ tokens: prompt.length, isConversation: false },
  });
  if (times === null) return settings;
  const rule = timesConstraint(times, facts.generation, prompt);
  return { ...settings, constraints: [...settings.constraints, rule] };
}

/** Said as it comes, without the blank that the first word has before it. */
function streamed({ request }: Hearing): (saying: Saying) => void {
  let begun = false;
  return ({ text, tokens }) => {
    const said = begun ? text : text.trimStart();
    if (said === '') return;
    begun = true;
    request.emit({ text: said, tokens });
  };
}

/** Errors: UNIMPLEMENTED for times of words, which need what such files do not give. */
function wantsTimes({ parameters }: PluginTaskRequest): boolean {
  const { timestamps = 'none' } = parameters;
  if (timestamps === 'word') {
    throw new MlosError(
      'UNIMPLEMENTED',
      'Times of single words are not known; ask for timestamps of "segment".',
    );
  }
  return timestamps === 'segment';
}

/** The task automatic-speech-recognition of a model that writes what it hears. */
export async function transcribe(
  request: PluginTaskRequest,
  model: EncoderDecoder,
  whisper: Whisper,
  tools: PackageTools,
): Promise<Record<string, unknown>> {
  const times = wantsTimes(request);
  const asked = askedLanguage(whisper, request.parameters['language']);
  const [from, tokenizer, processor] = await Promise.all([
    library(),
    tools.tokenizer(),
    tools.processor(),
  ]);
  const hearing = { request, model, whisper, tokenizer };
  const { samples, rate } = await hear(request, processor);
  const spans = cutSpeech(samples.length, rate);
  const say = spans.length === 1 && !times ? streamed(hearing) : () => undefined;
  let language = asked;
  const heard: { tokens: number[]; stride: number[] }[] = [];
  for (const { from: at, left, length, right } of spans) {
    const part = samples.subarray(at, at + left + length + right);
    const { input_features: features } = (await processor(part)) as {
      readonly input_features: LibraryTensor;
    };
    const encoded = await encode(hearing, features);
    language ??= await heardLanguage(hearing, encoded);
    const translate = request.parameters['translate'] === true;
    const prompt = whisperPrompt(whisper, { language, translate, times });
    const settings = settingsOf(hearing, prompt, times ? from : null);
    const write = (read: Encoded) => writeTokens(hearing, read, prompt, settings, say);
    const tokens = times
      ? await writeWithTimes(from, features, whisper.noTimestamps + 1, async (rest) =>
          write(rest === features ? encoded : await encode(hearing, rest)),
        )
      : await write(encoded);
    const stride = [part.length, left, right].map((count) => count / rate);
    heard.push({ tokens: [...prompt, ...tokens], stride });
  }
  const steps = Number(model.facts.config['max_source_positions']);
  const spoken = tokenizer as unknown as SpokenTokenizer;
  const [text, { chunks = [] }] = spoken._decode_asr(heard, {
    time_precision: Number(extractorConfig(processor)['chunk_length']) / steps,
    return_timestamps: times,
    force_full_sequences: false,
  });
  const segments = chunks.map(({ text: said, timestamp: [start, end] }) => {
    return { text: said.trim(), start, end };
  });
  return {
    ...{ text: text.trim(), language, duration: samples.length / rate },
    ...(times ? { segments } : {}),
  };
}
