import { MlosError } from '../../../protocol/errors.ts';
import { explain } from '../../../protocol/explain-schema.ts';
import { didYouMean } from '../../../protocol/nearest.ts';
import { isTaskName, type TaskName } from '../../../protocol/tasks/task.ts';
import { taskSpec } from '../../../protocol/tasks/task-table.ts';
import type { Signature } from '../../../protocol/tensor.ts';
import type { ModelTask } from '../../registry/model-record.ts';
import { isTaskInput, readTaskInputs } from './task-inputs.ts';

/*
 * From a request of models.infer to one of a task. Inputs and parameters may stand at the top level, which is
 * how people write them, or in `inputs` and `parameters`.
 */
type Fields = Readonly<Record<string, unknown>>;

/** Keys of models.infer that say how it is run, whatever is run. */
const options = new Set([
  'model_id',
  'ordinal',
  'inputs',
  'outputs',
  'include_outputs',
  'timeout_ms',
  'priority',
  'sequence',
  'task',
  'parameters',
]);

/** What a request gives beside the options: at the top level, and in `inputs`. */
function givenValues(params: Fields): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const put = (key: string, value: unknown) => {
    if (values.has(key)) {
      throw new MlosError('INVALID_ARGUMENT', `${JSON.stringify(key)} is given twice.`);
    }
    if (value !== undefined) values.set(key, value);
  };
  for (const [key, value] of Object.entries(params)) if (!options.has(key)) put(key, value);
  for (const [key, value] of Object.entries((params['inputs'] ?? {}) as Fields)) put(key, value);
  return values;
}

/**
 * The task that a request means, or null where it means the model's tensors: `task` says it, else the
 * names of what is given, and the model's own names come first.
 * Errors: INVALID_ARGUMENT, UNIMPLEMENTED.
 */
export function wantedTask(
  modelId: string,
  params: Fields,
  model: { readonly signature: Signature; readonly tasks: readonly ModelTask[] },
): TaskName | null {
  const { task } = params;
  const { signature, tasks } = model;
  const isTensor = (key: string) => signature.inputs.some(({ name }) => name === key);
  if (typeof task === 'string' && !isTensor('task')) return namedTask(modelId, task, tasks);
  const first = tasks[0];
  if (first === undefined) return null;
  const keys = [...givenValues(params).keys()];
  if (keys.some(isTensor)) return null;
  const spec = taskSpec(first.name);
  return keys.length === 0 || keys.some((key) => isTaskInput(spec, key)) ? first.name : null;
}

function namedTask(modelId: string, task: string, tasks: readonly ModelTask[]): TaskName {
  const known = tasks.map(({ name }) => name);
  if (isTaskName(task) && known.includes(task)) return task;
  const what = known.length === 0 ? 'none, only tensors' : known.join(', ');
  throw new MlosError(
    'UNIMPLEMENTED',
    `${modelId} cannot do the task ${JSON.stringify(task.slice(0, 64))}.${didYouMean(task, known)} It can do ${what}.`,
  );
}

export interface ReadTask {
  readonly inputs: Record<string, unknown>;
  readonly parameters: Record<string, unknown>;
}

/** What only a run of tensors has a meaning for. Errors: INVALID_ARGUMENT. */
function refuseTensorOptions(task: TaskName, params: Fields): void {
  const { outputs, sequence } = params;
  const what =
    Array.isArray(outputs) && outputs.length > 0
      ? 'outputs'
      : sequence === undefined
        ? null
        : 'sequence';
  if (what === null) return;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(what)} is for requests that give the model's own tensors; leave it out with the task ${task}, whose answer is "result".`,
  );
}

/** Errors: MISSING_INPUT, UNKNOWN_INPUT, INVALID_VALUE, INVALID_ARGUMENT, PAYLOAD_TOO_LARGE. */
export function readTask(task: TaskName, params: Fields): ReadTask {
  const spec = taskSpec(task);
  refuseTensorOptions(task, params);
  const parameters: Record<string, unknown> = { ...(params['parameters'] as Fields | undefined) };
  const values = givenValues(params);
  for (const [key, value] of values) {
    // batch_size and max_length come from clients that send them with everything.
    const isAccepted = key === 'batch_size' || key === 'max_length';
    const isParameter = Object.hasOwn(spec.parameters.properties, key);
    if (!isParameter && !isAccepted) continue;
    values.delete(key);
    if (!isParameter) continue;
    if (Object.hasOwn(parameters, key)) {
      throw new MlosError('INVALID_ARGUMENT', `${JSON.stringify(key)} is given twice.`);
    }
    parameters[key] = value;
  }
  const inputs = readTaskInputs(spec, values);
  if (!spec.check(parameters)) {
    const why = explain(spec.parameters, parameters, 'the whole') ?? 'they break the contract.';
    // A reason begins with what it is about.
    const param = Object.keys(spec.parameters.properties).find((name) =>
      ['.', '[', ' '].some((end) => why.startsWith(name + end)),
    );
    const details = param === undefined ? {} : { details: { param } };
    throw new MlosError('INVALID_ARGUMENT', `Parameters of ${spec.name}: ${why}`, details);
  }
  return { inputs, parameters };
}
