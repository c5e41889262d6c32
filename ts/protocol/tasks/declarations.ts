import { generationTasks } from './generation-tasks.ts';
import { mediaTasks } from './media-tasks.ts';
import { textTasks } from './text-tasks.ts';

/** Every task, declared once. The table that the programs load, with its checks, is generated. */
export const taskDeclarations = [...textTasks, ...generationTasks, ...mediaTasks] as const;
