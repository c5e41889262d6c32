import type { TObject } from 'typebox';
import type { JsonSchema } from '../json-schema.ts';

/**
 * What people want of a model, beside its tensors: words, pictures and sound in, answers out. The names
 * are those of the Hugging Face Hub's `pipeline_tag`.
 */
export const taskNames = [
  'feature-extraction',
  'text-classification',
  'token-classification',
  'fill-mask',
  'question-answering',
  'zero-shot-classification',
  'text-ranking',
  'text-generation',
  'text2text-generation',
  'image-classification',
  'object-detection',
  'image-segmentation',
  'image-feature-extraction',
  'zero-shot-image-classification',
  'audio-classification',
  'automatic-speech-recognition',
] as const;

export type TaskName = (typeof taskNames)[number];

export function isTaskName(value: unknown): value is TaskName {
  return taskNames.some((name) => name === value);
}

/** text: a string. texts: a list of strings. image, audio: a file's bytes. messages: a conversation. */
export type TaskInputKind = 'text' | 'texts' | 'image' | 'audio' | 'messages';

/** One input of a task. The first one of a task is what a bare `input` means. */
export interface TaskInput {
  readonly name: string;
  readonly kind: TaskInputKind;
  readonly description: string;
  readonly required: boolean;
}

interface TaskFacts {
  readonly name: TaskName;
  readonly summary: string;
  readonly inputs: readonly TaskInput[];
  /** Whether the first input may be a list: the result is a list then, too. */
  readonly takesLists: boolean;
  /** A request that works when pasted, without the model; null where it needs a recording. */
  readonly example: Readonly<Record<string, unknown>> | null;
}

/** A task as it is declared; its check is generated. */
export interface TaskDeclaration extends TaskFacts {
  readonly parameters: TObject;
  /** Of one input. */
  readonly result: TObject;
}

export interface TaskSpec extends TaskFacts {
  readonly parameters: JsonSchema & Required<Pick<JsonSchema, 'properties'>>;
  readonly result: JsonSchema;
  /** Whether a value is such parameters. */
  readonly check: (parameters: unknown) => boolean;
}
