import { taskTable } from '../generated/tasks.ts';
import type { TaskName, TaskSpec } from './task.ts';

const byName: ReadonlyMap<string, TaskSpec> = new Map(taskTable.map((task) => [task.name, task]));

export function taskSpec(name: TaskName): TaskSpec {
  return byName.get(name) as TaskSpec;
}
