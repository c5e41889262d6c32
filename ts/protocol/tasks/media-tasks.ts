import { Type } from 'typebox';
import { batchSize, Labels, one, topK } from './pieces.ts';
import type { TaskDeclaration } from './task.ts';
import { zeroShotParameters } from './text-tasks.ts';

/** Tasks that look or listen. */
const image = one('image', 'image', 'A picture: PNG, JPEG, WebP, GIF, TIFF or AVIF.');
const audio = one('audio', 'audio', 'A recording: WAV, MP3 or Ogg Vorbis.');

/** Eight by eight pixels of red; a file goes as `-F input=@picture.jpg`. */
const picture =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mO4o6GBFTEMLQkAe3tLAYZNzu4AAAAASUVORK5CYII=';

const threshold = Type.Optional(
  Type.Number({ minimum: 0, maximum: 1, description: 'The least score that is shown.' }),
);

const Box = Type.Object(
  { xmin: Type.Number(), ymin: Type.Number(), xmax: Type.Number(), ymax: Type.Number() },
  { description: 'In pixels of the picture.' },
);

export const mediaTasks = [
  {
    name: 'image-classification',
    summary: 'What a picture shows.',
    inputs: [image],
    takesLists: true,
    example: { input: picture },
    parameters: Type.Object(
      { top_k: topK, batch_size: batchSize },
      { additionalProperties: false },
    ),
    result: Type.Object({ labels: Labels }),
  },
  {
    name: 'object-detection',
    summary: 'The things in a picture, and where they are.',
    inputs: [image],
    takesLists: false,
    example: { input: picture },
    parameters: Type.Object({ threshold }, { additionalProperties: false }),
    result: Type.Object({
      objects: Type.Array(Type.Object({ label: Type.String(), score: Type.Number(), box: Box })),
    }),
  },
  {
    name: 'image-segmentation',
    summary: 'Which pixels of a picture belong to what.',
    inputs: [image],
    takesLists: false,
    example: { input: picture },
    parameters: Type.Object({ threshold }, { additionalProperties: false }),
    result: Type.Object({
      segments: Type.Array(
        Type.Object({
          label: Type.String(),
          score: Type.Union([Type.Number(), Type.Null()]),
          mask: Type.String({ description: 'A PNG of the same size, in base64.' }),
        }),
      ),
    }),
  },
  {
    name: 'image-feature-extraction',
    summary: 'An embedding of a picture.',
    inputs: [image],
    takesLists: true,
    example: { input: picture },
    parameters: Type.Object(
      {
        normalize: Type.Optional(Type.Boolean({ description: 'To length 1.' })),
        batch_size: batchSize,
      },
      { additionalProperties: false },
    ),
    result: Type.Object({ embedding: Type.Array(Type.Unknown()) }),
  },
  {
    name: 'zero-shot-image-classification',
    summary: 'Which of the texts that you give fit a picture.',
    inputs: [image],
    takesLists: false,
    example: { input: picture, candidate_labels: ['red', 'blue'] },
    parameters: Type.Object(zeroShotParameters, { additionalProperties: false }),
    result: Type.Object({ labels: Labels }),
  },
  {
    name: 'audio-classification',
    summary: 'What a recording is of.',
    inputs: [audio],
    takesLists: false,
    example: null,
    parameters: Type.Object({ top_k: topK }, { additionalProperties: false }),
    result: Type.Object({ labels: Labels }),
  },
  {
    name: 'automatic-speech-recognition',
    summary: 'The words that are said. A long recording is heard in spans of 30 s that overlap.',
    inputs: [audio],
    takesLists: false,
    example: null,
    parameters: Type.Object(
      {
        language: Type.Optional(
          Type.String({
            maxLength: 64,
            description:
              'What is spoken, by its code (`de`) or its English name; models of several languages hear it where it is left out.',
          }),
        ),
        translate: Type.Optional(Type.Boolean({ description: 'Into English.' })),
        timestamps: Type.Optional(
          Type.Unsafe<string>({
            ...{ type: 'string', enum: ['none', 'segment', 'word'] },
            description: 'When each part is said; of models that write what they hear.',
          }),
        ),
        temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
      },
      { additionalProperties: false },
    ),
    result: Type.Object({
      text: Type.String(),
      segments: Type.Optional(
        Type.Array(
          Type.Object({
            text: Type.String(),
            start: Type.Number({ description: 'Seconds.' }),
            end: Type.Union([Type.Number(), Type.Null()]),
          }),
        ),
      ),
      language: Type.Optional(Type.String({ description: 'Its code, where the model says it.' })),
      duration: Type.Optional(Type.Number({ description: 'Of the recording, in seconds.' })),
    }),
  },
] as const satisfies readonly TaskDeclaration[];
