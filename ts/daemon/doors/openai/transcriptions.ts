import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import { type Fields, given, invalid, unsupported } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import { partOf, type TaskCall, type TextModels } from '../text/text-models.ts';
import { modelOf } from './read-request.ts';
import { type SpokenPiece, srt, vtt } from './subtitles.ts';

const formats = ['json', 'text', 'verbose_json', 'srt', 'vtt'] as const;
type Format = (typeof formats)[number];
type Granularity = 'segment' | 'word';

interface Heard {
  readonly text: string;
  readonly segments?: readonly SpokenPiece[];
  readonly language?: string;
  readonly duration?: number;
}

/** A form's fields are texts. */
function numberOf(body: Fields, param: string): number | undefined {
  const value = given(body[param]);
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  if (Number.isFinite(number)) return number;
  throw invalid(param, 'a number');
}

function textOf(body: Fields, param: string): string | undefined {
  const value = given(body[param]);
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw invalid(param, 'a text');
}

function formatOf(body: Fields): Format {
  const asked = textOf(body, 'response_format') ?? 'json';
  const format = formats.find((one) => one === asked);
  if (format !== undefined) return format;
  throw invalid('response_format', formats.map((one) => `"${one}"`).join(', '));
}

/** Clients send lists as fields whose name ends in brackets. */
function listOf(body: Fields, param: string): readonly unknown[] {
  return [given(body[`${param}[]`]) ?? given(body[param]) ?? []].flat();
}

function granularitiesOf(body: Fields, format: Format): readonly Granularity[] {
  const list = listOf(body, 'timestamp_granularities');
  if (list.some((one) => one !== 'segment' && one !== 'word')) {
    throw invalid('timestamp_granularities', 'a list of "segment" and "word"');
  }
  if (list.length > 0 && format !== 'verbose_json') {
    throw invalid('timestamp_granularities', 'left out without response_format "verbose_json"');
  }
  if (list.length > 0) return [...new Set(list as Granularity[])];
  return format === 'json' || format === 'text' ? [] : ['segment'];
}

function refuseUnknown(body: Fields): void {
  if (textOf(body, 'prompt') !== undefined) {
    throw unsupported('prompt', 'the recording is all that the model is given.');
  }
  if ((textOf(body, 'chunking_strategy') ?? 'auto') !== 'auto') {
    throw unsupported('chunking_strategy', 'only "auto" can be had.');
  }
  if (listOf(body, 'include').length > 0) {
    throw unsupported('include', 'log probabilities of what is heard are not known.');
  }
}

function callOf(body: Fields, translate: boolean): TaskCall {
  const { file } = body;
  if (!(file instanceof Uint8Array)) {
    throw invalid('file', 'a recording, as a file of the form');
  }
  return {
    ...{ model: modelOf(body), task: 'automatic-speech-recognition', inputs: { audio: file } },
    parameters: {
      language: textOf(body, 'language'),
      temperature: numberOf(body, 'temperature'),
      ...(translate ? { translate } : {}),
    },
  };
}

function withTimestamps(call: TaskCall, timestamps: Granularity | undefined): TaskCall {
  return { ...call, parameters: { ...call.parameters, timestamps } };
}

/** The model knows nothing of the format that its times were for. */
function withoutTimes(error: unknown, format: Format): unknown {
  const { code, message } = MlosError.from(error);
  const isAboutTimes = code === 'INVALID_ARGUMENT' && /\btimestamps\b/.test(message);
  if (!isAboutTimes) return error;
  return unsupported('response_format', `the model gives no times, which "${format}" needs.`);
}

function usageOf({ duration }: Heard): Fields {
  return duration === undefined ? {} : { usage: { type: 'duration', seconds: duration } };
}

/** OpenAI answers a language's English name, in small letters. */
function nameOf(language: unknown): string | null {
  if (typeof language !== 'string') return null;
  if (!/^[a-z]{2,3}$/i.test(language)) return language.toLowerCase();
  return new Intl.DisplayNames('en', { type: 'language' }).of(language)?.toLowerCase() ?? language;
}

/** What is not known is null: a model need not say which language it heard. */
function verbose(heard: ReadonlyMap<Granularity, Heard>, asked: Fields): Fields {
  const [any] = heard.values();
  const words = heard.get('word')?.segments;
  const segments = heard.get('segment')?.segments;
  return {
    task: asked['translate'] === true ? 'translate' : 'transcribe',
    language: nameOf(any?.language ?? asked['language']),
    duration: any?.duration ?? null,
    text: any?.text ?? '',
    ...(words === undefined
      ? {}
      : { words: words.map(({ text, start, end }) => ({ word: text.trim(), start, end })) }),
    ...(segments === undefined ? {} : { segments: segments.map((one, id) => ({ id, ...one })) }),
    ...(any === undefined ? {} : usageOf(any)),
  };
}

/** POST /v1/audio/transcriptions, and /v1/audio/translations. */
export function transcription(
  models: TextModels,
  asked: { readonly body: Fields; readonly translate: boolean },
  context: RequestContext,
): ApiReply {
  const { body, translate } = asked;
  refuseUnknown(body);
  const format = formatOf(body);
  const granularities = granularitiesOf(body, format);
  const call = callOf(body, translate);
  const hear = async (granularity?: Granularity) => {
    try {
      return (await models.ask(withTimestamps(call, granularity), partOf(context))) as Heard;
    } catch (error) {
      throw granularity === undefined ? error : withoutTimes(error, format);
    }
  };

  const stream = textOf(body, 'stream') ?? 'false';
  if (stream !== 'true' && stream !== 'false') throw invalid('stream', 'true or false');
  const streams = stream === 'true';
  if (streams && format !== 'json' && format !== 'text') {
    throw unsupported('stream', 'only response_format "json" and "text" come in pieces.');
  }
  if (streams) return streamed(models, call, context);
  if (format === 'json') {
    return {
      async whole() {
        const heard = await hear();
        return { text: heard.text, ...usageOf(heard) };
      },
    };
  }
  if (format === 'text') return { text: async () => `${(await hear()).text.trim()}\n` };
  if (format === 'verbose_json') {
    return {
      async whole() {
        const heard = new Map<Granularity, Heard>();
        // A model marks one or the other: for both it listens twice.
        for (const one of granularities) heard.set(one, await hear(one));
        return verbose(heard, call.parameters);
      },
    };
  }
  const write = format === 'srt' ? srt : vtt;
  return {
    async text() {
      const { segments, text } = await hear('segment');
      if (segments !== undefined) return write(segments);
      throw unsupported('response_format', `the model gives no times, only: ${text.slice(0, 256)}`);
    },
  };
}

function streamed(models: TextModels, call: TaskCall, context: RequestContext): ApiReply {
  const told = models.tell(call, context);
  async function* events() {
    for await (const { text } of told.events()) {
      if (text !== '') yield { type: 'transcript.text.delta', delta: text };
    }
    const { text } = (await told.result) as Heard;
    yield { type: 'transcript.text.done', text };
  }
  return { begun: told.begun, events };
}
