import { Type } from 'typebox';
import { limits } from '../limits.ts';
import { batchSize, Labels, one, topK } from './pieces.ts';
import type { TaskDeclaration } from './task.ts';

/** Tasks that read words and write numbers or labels. */
const text = (description: string) => one('text', 'text', description);

const Offsets = {
  start: Type.Optional(
    Type.Integer({ minimum: 0, description: 'In UTF-16 code units; of plugins that know it.' }),
  ),
  end: Type.Optional(Type.Integer({ minimum: 0 })),
};

const candidateLabels = Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), {
  minItems: 1,
  maxItems: limits.taskItems,
});

const hypothesis = Type.Optional(
  Type.String({ maxLength: 1_000, pattern: '\\{\\}', description: '{} is the label.' }),
);

export const zeroShotParameters = {
  candidate_labels: candidateLabels,
  hypothesis_template: hypothesis,
};

export const textTasks = [
  {
    name: 'feature-extraction',
    summary: 'An embedding of a text: texts that mean the same lie close together.',
    inputs: [text('What to embed.')],
    takesLists: true,
    example: { input: 'Hello, MLOS!' },
    parameters: Type.Object(
      {
        pooling: Type.Optional(
          Type.Unsafe<string>({
            type: 'string',
            enum: ['mean', 'cls', 'last_token', 'max', 'none'],
            description:
              "How the tokens' vectors become one; none: they stay as they are. What the package says where left out.",
          }),
        ),
        normalize: Type.Optional(
          Type.Boolean({ description: 'To length 1. What the package says where left out.' }),
        ),
        dimensions: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'Keeps the first ones only, for models that are trained for it.',
          }),
        ),
        truncate: Type.Optional(
          Type.Boolean({ description: 'false: a text that is too long is an error.' }),
        ),
        batch_size: batchSize,
      },
      { additionalProperties: false },
    ),
    result: Type.Object({
      embedding: Type.Array(Type.Unknown(), {
        description: 'Numbers; with pooling none a list of numbers for each token.',
      }),
      tokens: Type.Integer({ minimum: 0, description: 'Tokens read.' }),
    }),
  },
  {
    name: 'text-classification',
    summary: 'Which labels a text has, and how surely.',
    inputs: [
      text('What to classify.'),
      { ...one('text_pair', 'text', 'The second text, for models of pairs.'), required: false },
    ],
    takesLists: true,
    example: { input: 'I love this.' },
    parameters: Type.Object(
      { top_k: topK, batch_size: batchSize },
      { additionalProperties: false },
    ),
    result: Type.Object({ labels: Labels }),
  },
  {
    name: 'token-classification',
    summary: 'A label for each word: names, places, parts of speech.',
    inputs: [text('What to label.')],
    takesLists: true,
    example: { input: 'My name is Sarah and I live in London.' },
    parameters: Type.Object(
      {
        ignore_labels: Type.Optional(
          Type.Array(Type.String({ maxLength: 256 }), {
            maxItems: limits.taskItems,
            description: 'O where left out.',
          }),
        ),
        aggregation: Type.Optional(
          Type.Unsafe<string>({
            type: 'string',
            enum: ['none', 'simple'],
            description: 'simple (where left out): tokens of one thing are joined.',
          }),
        ),
        batch_size: batchSize,
      },
      { additionalProperties: false },
    ),
    result: Type.Object({
      entities: Type.Array(
        Type.Object({
          label: Type.String(),
          score: Type.Number(),
          text: Type.String(),
          ...Offsets,
        }),
      ),
    }),
  },
  {
    name: 'fill-mask',
    summary: 'The words that fit into a gap.',
    inputs: [text("A text with the model's mask token, such as [MASK], where the gap is.")],
    takesLists: true,
    example: { input: 'Paris is the capital of [MASK].' },
    parameters: Type.Object(
      { top_k: topK, batch_size: batchSize },
      { additionalProperties: false },
    ),
    result: Type.Object({
      candidates: Type.Array(
        Type.Object({
          score: Type.Number(),
          token: Type.Integer(),
          token_text: Type.String(),
          text: Type.String({ description: 'The whole text, with the gap filled.' }),
        }),
      ),
    }),
  },
  {
    name: 'question-answering',
    summary: 'The part of a text that answers a question.',
    inputs: [
      one('question', 'text', 'The question.'),
      one(
        'context',
        'text',
        'Where to look; what is beyond the tokens that the model reads is not seen.',
      ),
    ],
    takesLists: false,
    example: { question: 'Who was Jim Henson?', context: 'Jim Henson was a nice puppet.' },
    parameters: Type.Object({ top_k: topK }, { additionalProperties: false }),
    result: Type.Object({
      answers: Type.Array(Type.Object({ text: Type.String(), score: Type.Number(), ...Offsets })),
    }),
  },
  {
    name: 'zero-shot-classification',
    summary: 'Which of the labels that you give fit a text.',
    inputs: [text('What to classify.')],
    takesLists: true,
    example: { input: 'I have a problem with my phone.', candidate_labels: ['phone', 'food'] },
    parameters: Type.Object(
      {
        ...zeroShotParameters,
        multi_label: Type.Optional(
          Type.Boolean({ description: 'true: each label for itself, so that several may fit.' }),
        ),
      },
      { additionalProperties: false },
    ),
    result: Type.Object({ labels: Labels }),
  },
  {
    name: 'text-ranking',
    summary: 'Which of some texts answer a question best.',
    inputs: [one('query', 'text', 'The question.'), one('documents', 'texts', 'What to rank.')],
    takesLists: false,
    example: { query: 'What is a panda?', documents: ['A bear of China.', 'A city in Italy.'] },
    parameters: Type.Object(
      {
        top_k: topK,
        raw_scores: Type.Optional(
          Type.Boolean({ description: "true: the model's own numbers, not 0 to 1." }),
        ),
      },
      { additionalProperties: false },
    ),
    result: Type.Object({
      ranking: Type.Array(
        Type.Object({ index: Type.Integer({ minimum: 0 }), score: Type.Number() }),
        {
          description: 'Best first; index counts the documents.',
        },
      ),
      tokens: Type.Integer({ minimum: 0 }),
    }),
  },
] as const satisfies readonly TaskDeclaration[];
