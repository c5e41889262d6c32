import { limits } from '../../../protocol/limits.ts';
import { type Fields, flagOf, given, invalid, objectOf } from '../text/fields.ts';

function schemaOf(format: unknown): unknown {
  if (given(format) === undefined || format === '') return undefined;
  if (format === 'json') return {};
  if (typeof format === 'object' && !Array.isArray(format)) return format;
  throw invalid('format', '"json" or a JSON Schema');
}

/** How much it thinks is the model's own matter; whether it does is what can be had. */
function thinkOf(value: unknown): unknown {
  if (given(value) === undefined) return undefined;
  if (value === 'high' || value === 'medium' || value === 'low') return true;
  if (typeof value === 'boolean') return value;
  throw invalid('think', 'true, false, "high", "medium" or "low"');
}

/** What is less is as if it were left out. */
function atLeast(least: number, value: unknown): unknown {
  return typeof value === 'number' && value < least ? undefined : given(value);
}

function notBelow(least: number, value: unknown): unknown {
  return typeof value === 'number' ? Math.max(least, value) : given(value);
}

/** Parameters in the API's own words. */
export function inOllamasWords(message: string): string {
  return message
    .replace(/\bresponse_schema\b/g, 'format')
    .replace(/\bmax_tokens\b/g, 'num_predict')
    .replace(/\bcontext_length\b/g, 'num_ctx')
    .replace(/\brepetition_penalty\b/g, 'repeat_penalty');
}

/** Parameters of text-generation that chats and texts have in common. Options that are not here change no text. */
export function samplingOf(body: Fields): Record<string, unknown> {
  const options = objectOf(body, 'options');
  const logprobs = flagOf(body, 'logprobs') === true;
  return {
    // -1 and -2, and nothing, are as many as there is room for.
    max_tokens: atLeast(0, options['num_predict']) ?? limits.generatedTokens,
    // Below 0: any.
    seed: atLeast(0, options['seed']),
    // Below 0: all, which is 0 here.
    top_k: notBelow(0, options['top_k']),
    top_p: given(options['top_p']),
    min_p: given(options['min_p']),
    typical_p: given(options['typical_p']),
    repeat_last_n: given(options['repeat_last_n']),
    temperature: given(options['temperature']),
    repetition_penalty: given(options['repeat_penalty']),
    presence_penalty: given(options['presence_penalty']),
    frequency_penalty: given(options['frequency_penalty']),
    stop: given(options['stop']),
    context_length: atLeast(1, options['num_ctx']),
    response_schema: schemaOf(body['format']),
    think: thinkOf(body['think']),
    ...(logprobs ? { logprobs, top_logprobs: given(body['top_logprobs']) } : {}),
  };
}
