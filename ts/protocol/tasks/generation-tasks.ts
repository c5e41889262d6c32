import { Type } from 'typebox';
import { limits } from '../limits.ts';
import { one } from './pieces.ts';
import type { TaskDeclaration } from './task.ts';

/** Tasks that write. What is left out is what the package says (generation_config.json), else greedy. */
const Id = Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 });
const penalty = (description: string) =>
  Type.Optional(Type.Number({ minimum: -2, maximum: 2, description }));

const sampling = {
  max_tokens: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: limits.generatedTokens,
      description:
        'New ones, at most. Left out: a reply ends where the model ends it, another text after 256, if its package does not say.',
    }),
  ),
  max_length: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Tokens of the prompt and new ones together. A model that reads with an encoder counts those of its decoder alone.',
    }),
  ),
  min_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.generatedTokens })),
  temperature: Type.Optional(
    Type.Number({ minimum: 0, maximum: 100, description: '0: the likeliest token, always.' }),
  ),
  top_k: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: '0: all.' })),
  top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  min_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  typical_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  repetition_penalty: Type.Optional(
    Type.Number({ minimum: 0.01, maximum: 100, description: '1: none.' }),
  ),
  repeat_last_n: Type.Optional(
    Type.Integer({ minimum: -1, description: 'Tokens that penalties look back at; -1: all.' }),
  ),
  presence_penalty: penalty('For tokens that were there.'),
  frequency_penalty: penalty('For tokens, by how often they were there.'),
  seed: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'The same answer again.',
    }),
  ),
  stop: Type.Optional(
    Type.Union([
      Type.String({ minLength: 1, maxLength: 1_000 }),
      Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), { maxItems: 16 }),
    ]),
  ),
  logit_bias: Type.Optional(
    Type.Array(Type.Object({ token: Id, bias: Type.Number({ minimum: -100, maximum: 100 }) }), {
      maxItems: 1_024,
    }),
  ),
  logprobs: Type.Optional(Type.Boolean({ description: 'The log probability of each token, too.' })),
  top_logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
};

const Token = Type.Object({ token: Type.String(), logprob: Type.Number() });

const Generated = Type.Object({
  text: Type.String(),
  finish_reason: Type.Unsafe<string>({
    type: 'string',
    enum: ['stop', 'length', 'tool_calls'],
    description: 'stop: the model or a stop text ended it; length: max_tokens or the context did.',
  }),
  prompt_tokens: Type.Integer({ minimum: 0 }),
  completion_tokens: Type.Integer({ minimum: 0 }),
  logprobs: Type.Optional(Type.Array(Type.Object({ ...Token.properties, top: Type.Array(Token) }))),
  tool_calls: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), arguments: Type.Unknown() })),
  ),
  thinking: Type.Optional(Type.String()),
});

export const generationTasks = [
  {
    name: 'text-generation',
    summary: 'Goes on with a text, or answers in a conversation.',
    inputs: [
      { ...one('text', 'text', 'What to go on with.'), required: false },
      {
        ...one('messages', 'messages', 'A conversation, for models with a chat template.'),
        required: false,
      },
    ],
    takesLists: false,
    example: { input: 'The future of ML infrastructure', max_length: 50 },
    parameters: Type.Object(
      {
        ...sampling,
        raw: Type.Optional(
          Type.Boolean({ description: 'true: no special tokens are put in front.' }),
        ),
        suffix: Type.Optional(
          Type.String({
            maxLength: limits.taskTextLength,
            description: 'What comes after the gap, for models that fill gaps.',
          }),
        ),
        tools: Type.Optional(
          Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 128 }),
        ),
        tool_choice: Type.Optional(
          Type.Literal('required', {
            description: 'One of the tools is called, whatever is said.',
          }),
        ),
        response_schema: Type.Optional(
          Type.Record(Type.String(), Type.Unknown(), {
            description: 'A JSON Schema: the answer is JSON that fits it; {} is any JSON.',
          }),
        ),
        think: Type.Optional(Type.Boolean()),
        context_length: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })),
      },
      { additionalProperties: false },
    ),
    result: Generated,
  },
  {
    name: 'text2text-generation',
    summary: 'A text from a text: a translation, a summary, an answer.',
    inputs: [one('text', 'text', 'What to read.')],
    takesLists: false,
    example: { input: 'translate English to German: Hello, how are you?' },
    parameters: Type.Object(sampling, { additionalProperties: false }),
    result: Generated,
  },
] as const satisfies readonly TaskDeclaration[];
