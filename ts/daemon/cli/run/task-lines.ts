import type { ModelInfoWire } from '../../../protocol/methods/model-info.ts';
import { shellWord } from '../../../protocol/shell-word.ts';
import { neededParameters, type Task } from './request.ts';

/** A task as `mlos models show` prints it: what goes in, what comes out, and how to ask. `place`: options that name the daemon. */
export function taskLines(model: ModelInfoWire, task: Task, place: string): string[] {
  const reads = task.inputs.map(({ name, kind, required, takes_list: takesList }) => {
    return `${name} (${kind}${takesList ? ' or a list' : ''})${required ? '' : '?'}`;
  });
  const results = task.outputs.map(({ name, required }) => `${name}${required ? '' : '?'}`);
  const facts = Object.entries(task.facts).flatMap(([name, value]) =>
    typeof value === 'object' ? [] : [`${name} ${String(value)}`],
  );
  const which = model.tasks.length > 1 ? ` --task ${task.name}` : '';
  const needed = neededParameters(task, {}).map(({ name, example }) => {
    return ` --param ${shellWord(`${name}=${example}`)}`;
  });
  return [
    `task      ${task.name}: ${task.summary}`,
    `  reads   ${reads.join(', ')}`,
    ...(task.parameters.length === 0 ? [] : [`  takes   ${task.parameters.join(', ')}`]),
    ...(results.length === 0 ? [] : [`  answers ${results.join(', ')}`]),
    ...(facts.length === 0 ? [] : [`  knows   ${facts.join(', ')}`]),
    `  try     mlos run ${model.id}${which}${needed.join('')}${place}`,
    `          ${task.example}`,
  ];
}
