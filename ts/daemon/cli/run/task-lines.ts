import type { ModelInfoWire } from '../../../protocol/methods/model-info.ts';
import { isTaskName } from '../../../protocol/tasks/task.ts';
import { taskSpec } from '../../../protocol/tasks/task-table.ts';
import type { Task } from './request.ts';

/** A task as `mlos models show` prints it: what goes in, what comes out, and how to ask. */
export function taskLines(model: ModelInfoWire, task: Task): string[] {
  const reads = task.inputs.map(({ name, kind, required, takes_list: takesList }) => {
    return `${name} (${kind}${takesList ? ' or a list' : ''})${required ? '' : '?'}`;
  });
  const results = isTaskName(task.name)
    ? Object.keys(taskSpec(task.name).result['properties'] ?? {})
    : [];
  const which = model.tasks.length > 1 ? ` --task ${task.name}` : '';
  return [
    `task      ${task.name}: ${task.summary}`,
    `  reads   ${reads.join(', ')}`,
    ...(task.parameters.length === 0 ? [] : [`  takes   ${task.parameters.join(', ')}`]),
    ...(results.length === 0 ? [] : [`  answers ${results.join(', ')}`]),
    `  try     mlos run ${model.id}${which}`,
    `          ${task.example}`,
  ];
}
