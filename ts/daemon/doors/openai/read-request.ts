import { type Fields, flagOf, given, invalid, objectOf, unsupported } from '../text/fields.ts';

export function modelOf(body: Fields): string {
  const { model } = body;
  if (typeof model === 'string' && model !== '') return model;
  throw invalid('model', 'the id of a model, as GET /v1/models has it');
}

/** Texts to be read: one, or a list. Errors: INVALID_ARGUMENT, UNIMPLEMENTED for lists of tokens. */
export function textsOf(param: string, value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.some((one) => typeof one === 'number' || Array.isArray(one))) {
    throw unsupported(param, 'tokens are not taken; send the text itself.');
  }
  if (list.length === 0 || list.some((one) => typeof one !== 'string')) {
    throw invalid(param, 'a text or a list of texts');
  }
  return list as string[];
}

function biasOf(value: unknown): unknown {
  if (given(value) === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid('logit_bias', 'an object of biases by token');
  }
  return Object.entries(value as Fields).map(([token, bias]) => {
    if (/^\d{1,15}$/.test(token)) return { token: Number(token), bias };
    throw invalid('logit_bias', `an object of biases by token, not by ${JSON.stringify(token)}`);
  });
}

function schemaOf(param: string, format: unknown): unknown {
  if (given(format) === undefined) return undefined;
  const { type, json_schema: named, schema } = format as Fields;
  if (type === 'text') return undefined;
  if (type === 'json_object') return {};
  const found = schema ?? (named as Fields | undefined)?.['schema'];
  if (type === 'json_schema' && typeof found === 'object' && found !== null) return found;
  throw invalid(param, '{"type": "text" | "json_object" | "json_schema", …}');
}

/** How much it thinks is the model's own matter; whether it does is what can be had. */
export function thinkOf(param: string, effort: unknown): boolean | undefined {
  const known = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'];
  if (given(effort) === undefined) return undefined;
  if (known.some((one) => one === effort)) return effort !== 'none';
  throw invalid(param, known.map((one) => `"${one}"`).join(', '));
}

const seeds = 2 ** 48;

/** Any whole number is a seed here; those of the task are not below 0, and there is room for each choice's own. */
function anySeed(seed: unknown): unknown {
  if (!Number.isInteger(seed)) return seed;
  const given = seed as number;
  return given >= 0 && given <= seeds ? given : (seeds + (given % seeds)) % seeds;
}

/** Parameters of text-generation that all of them have in common. */
export function samplingOf(
  body: Fields,
  formatParam = 'response_format',
  format: unknown = body['response_format'],
): Record<string, unknown> {
  return {
    max_tokens: given(body['max_completion_tokens'] ?? body['max_tokens']),
    temperature: given(body['temperature']),
    top_p: given(body['top_p']),
    // These are not OpenAI's own; local servers take them all the same.
    top_k: given(body['top_k']),
    min_p: given(body['min_p']),
    repetition_penalty: given(body['repetition_penalty']),
    seed: anySeed(given(body['seed'])),
    stop: given(body['stop']),
    presence_penalty: given(body['presence_penalty']),
    frequency_penalty: given(body['frequency_penalty']),
    logit_bias: biasOf(body['logit_bias']),
    response_schema: schemaOf(formatParam, format),
  };
}

const mostChoices = 16;

/** `n`. */
export function choicesOf(body: Fields): number {
  const n = given(body['n']) ?? 1;
  if (Number.isInteger(n) && (n as number) >= 1 && (n as number) <= mostChoices) return n as number;
  throw invalid('n', `a whole number from 1 to ${mostChoices}`);
}

/** The choices of one request differ: each has a seed of its own. */
export function seedOf(parameters: Fields, choice: number): Fields {
  const { seed } = parameters;
  return typeof seed === 'number' ? { ...parameters, seed: seed + choice } : parameters;
}

/** `stream_options.include_usage`. */
export function wantsUsage(body: Fields): boolean {
  const options = objectOf(body, 'stream_options');
  return flagOf(options, 'include_usage', 'stream_options.include_usage') === true;
}
