import { MlosError } from '../../../protocol/errors.ts';
import type { PackageFacts } from '../tasks/package-facts.ts';

/*
 * What a Whisper model is told before it writes: <|startoftranscript|>, and of several languages which one, and
 * whether to translate; then <|notimestamps|> unless it is to write times (arXiv:2212.04356, section 2.3).
 */
export interface Whisper {
  readonly start: number;
  /** Tokens by codes such as `en`; null: it hears English only. */
  readonly languages: ReadonlyMap<string, number> | null;
  readonly transcribe: number | null;
  readonly translate: number | null;
  /** Those behind it are times: 0.00 s, 0.02 s, … */
  readonly noTimestamps: number;
}

function isToken(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function languagesOf(value: unknown): Map<string, number> {
  const found = Object.entries(fieldsOf(value))
    .map(([name, token]) => [/^<\|([a-z]{2,3})\|>$/.exec(name)?.[1], token] as const)
    .filter((entry): entry is [string, number] => entry[0] !== undefined && isToken(entry[1]));
  return new Map(found);
}

/** Null: the package is none of a Whisper model, or does not say what it needs. */
export function whisperOf({ config, generation }: PackageFacts): Whisper | null {
  const start = generation['decoder_start_token_id'] ?? config['decoder_start_token_id'];
  const noTimestamps = generation['no_timestamps_token_id'];
  if (config['model_type'] !== 'whisper' || !isToken(start) || !isToken(noTimestamps)) return null;
  const tasks = fieldsOf(generation['task_to_id']);
  const taskToken = (name: string) => (isToken(tasks[name]) ? tasks[name] : null);
  const isMultilingual = generation['is_multilingual'] === true;
  return {
    ...{ start, noTimestamps },
    languages: isMultilingual ? languagesOf(generation['lang_to_id']) : null,
    transcribe: isMultilingual ? taskToken('transcribe') : null,
    translate: isMultilingual ? taskToken('translate') : null,
  };
}

/** In English, in small letters. */
function nameOf(code: string): string {
  return new Intl.DisplayNames('en', { type: 'language' }).of(code)?.toLowerCase() ?? code;
}

/**
 * The code of the language that was asked for, by its code or its English name; null: none was.
 * Errors: INVALID_VALUE for one that the model does not know; INVALID_ARGUMENT where it knows one only.
 */
export function askedLanguage({ languages }: Whisper, asked: unknown): string | null {
  if (typeof asked !== 'string' || asked === '') return null;
  const wanted = asked.toLowerCase();
  const codes = [...(languages?.keys() ?? ['en'])];
  const code = codes.find((one) => one === wanted || nameOf(one) === wanted);
  if (code !== undefined) return code;
  if (languages === null) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `This model hears English only, not ${JSON.stringify(asked)}. Leave the language out.`,
    );
  }
  throw new MlosError(
    'INVALID_VALUE',
    `The model does not know the language ${JSON.stringify(asked)}; it knows ${codes.join(', ')}.`,
  );
}

/** Errors: INVALID_ARGUMENT for a model that cannot translate. */
export function whisperPrompt(
  { start, languages, transcribe, translate, noTimestamps }: Whisper,
  wanted: { readonly language: string; readonly translate: boolean; readonly times: boolean },
): number[] {
  if (wanted.translate && translate === null) {
    throw new MlosError('INVALID_ARGUMENT', 'This model cannot translate. Leave translate out.');
  }
  const tokens = [
    languages?.get(wanted.language) ?? null,
    wanted.translate ? translate : transcribe,
    wanted.times ? null : noTimestamps,
  ];
  return [start, ...tokens.filter((token) => token !== null)];
}
