import { taskTable } from '../generated/tasks.ts';
import type { TaskName, TaskSpec } from './task.ts';

const byName: ReadonlyMap<string, TaskSpec> = new Map(taskTable.map((task) => [task.name, task]));

/** JSON types of the parameters of all tasks; a name means the same in each of them. */
const parameterTypes: ReadonlyMap<string, string> = new Map(
  taskTable.flatMap(({ parameters }) =>
    Object.entries(parameters.properties).flatMap(([name, { type }]) =>
      type === undefined ? [] : [[name, type] as const],
    ),
  ),
);

/** Undefined: no task has a parameter of that name, or it takes several types. */
export function taskParameterType(name: string): string | undefined {
  return parameterTypes.get(name);
}

export function taskSpec(name: TaskName): TaskSpec {
  return byName.get(name) as TaskSpec;
}
