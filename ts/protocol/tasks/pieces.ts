import { Type } from 'typebox';
import { limits } from '../limits.ts';
import type { TaskInput, TaskInputKind } from './task.ts';

/** Pieces that several tasks share. */
export function one(name: string, kind: TaskInputKind, description: string): TaskInput {
  return { name, kind, description, required: true };
}

export const topK = Type.Optional(
  Type.Integer({ minimum: 1, maximum: limits.taskItems, description: 'How many, best first.' }),
);

export const batchSize = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: limits.taskItems,
    description: 'How many inputs of a list are run together at most.',
  }),
);

export const Label = Type.Object({ label: Type.String(), score: Type.Number() });
export const Labels = Type.Array(Label, { description: 'Best first.' });
