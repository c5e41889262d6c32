import { MlosError } from '../../../protocol/errors.ts';
import type { ModelInfoWire } from '../../../protocol/methods/model-info.ts';
import { isTaskName } from '../../../protocol/tasks/task.ts';
import { taskSpec } from '../../../protocol/tasks/task-table.ts';
import { formatSpec } from '../../../protocol/tensor.ts';
import { readInputFile } from './run-file.ts';

/** From what was typed to a request of a task: its inputs and parameters, all at the top level. */
export type Task = ModelInfoWire['tasks'][number];
export type TaskInputInfo = Task['inputs'][number];
type Fields = Record<string, unknown>;

/** The task that is meant. Errors: UNIMPLEMENTED, INVALID_ARGUMENT. */
export function chooseTask(model: ModelInfoWire, name: string | undefined): Task {
  const { id, tasks, signature } = model;
  const known = tasks.map((task) => task.name).join(', ');
  if (name !== undefined) {
    const named = tasks.find((task) => task.name === name);
    if (named !== undefined) return named;
    const what = known === '' ? 'It has no task' : `It can do ${known}`;
    throw new MlosError(
      'UNIMPLEMENTED',
      `${id} cannot do the task ${JSON.stringify(name)}. ${what}.`,
    );
  }
  const [first, second] = tasks;
  if (first === undefined) {
    const inputs = signature?.inputs.map((spec) => `${spec.name} ${formatSpec(spec)}`).join(', ');
    throw new MlosError(
      'UNIMPLEMENTED',
      `${id} has no task, it takes tensors${inputs === undefined ? '' : ` (${inputs})`}: send them to POST ${model.inference_endpoint}.`,
    );
  }
  if (second === undefined) return first;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `${id} can do several tasks: ${known}. Say which with --task.`,
  );
}

/** What must be there, or the first one where the task leaves the choice. */
export function wantedInputs({ inputs }: Task, given: Readonly<Fields>): TaskInputInfo[] {
  const required = inputs.filter((input) => input.required);
  const wanted = required.length > 0 ? required : inputs.slice(0, 1);
  const isChosen = required.length === 0 && inputs.some(({ name }) => given[name] !== undefined);
  return isChosen ? [] : wanted.filter(({ name }) => given[name] === undefined);
}

/** Parameters that the task cannot do without and that are not given, each with an example as it is typed. */
export function neededParameters(
  task: Task,
  given: Readonly<Fields>,
): { readonly name: string; readonly example: string }[] {
  if (!isTaskName(task.name)) return [];
  const { parameters, example } = taskSpec(task.name);
  const missing = parameters.required?.filter((name) => given[name] === undefined) ?? [];
  return missing.map((name) => ({ name, example: [example?.[name] ?? []].flat().join(',') }));
}

/** `--param name=value`. A value is JSON where the parameter is no text; `@file` is what the file holds. */
export async function readParam(task: Task, pair: string): Promise<[string, unknown]> {
  const at = pair.indexOf('=');
  if (at <= 0) throw new MlosError('INVALID_ARGUMENT', `--param ${pair}: expected name=value.`);
  const [name, text] = [pair.slice(0, at), pair.slice(at + 1)];
  const input = task.inputs.find((one) => one.name === name);
  if (text.startsWith('@')) {
    const content = await readInputFile(text.slice(1));
    return [
      name,
      input === undefined || !isFile(input) ? typedValue(task, name, content.toString()) : content,
    ];
  }
  const isPath = input !== undefined && isFile(input) && !text.startsWith('data:');
  return [name, isPath ? await readInputFile(text) : typedValue(task, name, text)];
}

export function isFile({ kind }: TaskInputInfo): boolean {
  return kind === 'image' || kind === 'audio';
}

/** A value as it is typed: JSON where it is no text. */
export function typedValue(task: Task, name: string, text: string): unknown {
  const input = task.inputs.find((one) => one.name === name);
  const type = isTaskName(task.name)
    ? taskSpec(task.name).parameters.properties[name]?.type
    : undefined;
  if (input?.kind === 'text' || type === 'string' || text.startsWith('data:')) return text;
  try {
    return JSON.parse(text);
  } catch {
    // A list of words needs no brackets; what else is no JSON is a text, which the daemon judges.
    return type === 'array' || input?.kind === 'texts'
      ? text.split(',').map((word) => word.trim())
      : text;
  }
}

async function readWords(input: TaskInputInfo, words: readonly string[]): Promise<unknown> {
  if (input.kind === 'texts') return words;
  if (!isFile(input)) return words.join(' ');
  if (words.length > 1 && !input.takes_list) {
    throw new MlosError('INVALID_ARGUMENT', `${input.name} is one file, not ${words.length}.`);
  }
  const files = await Promise.all(words.map(readInputFile));
  return files.length === 1 ? files[0] : files;
}

/** Each wanted input takes a word, the last one the rest. */
export async function inputsOfWords(
  wanted: readonly TaskInputInfo[],
  words: readonly string[],
): Promise<Fields> {
  const fields: Fields = {};
  for (const [index, input] of wanted.entries()) {
    const isLast = index === wanted.length - 1;
    const own = isLast ? words.slice(index) : words.slice(index, index + 1);
    if (own.length > 0) fields[input.name] = await readWords(input, own);
  }
  if (wanted.length === 0 && words.length > 0) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(words[0])} is one input too many: all are given by options.`,
    );
  }
  return fields;
}

/** A conversation for models with a chat template; else the text as it is. */
export function asConversation(task: Task, fields: Fields, before: readonly unknown[]): Fields {
  const { text, images, ...rest } = fields;
  const isChat = task.facts['chat'] === true && typeof text === 'string';
  if (!isChat && images === undefined) return fields;
  const message = {
    role: 'user',
    content: text ?? '',
    ...(images === undefined ? {} : { images }),
  };
  return { ...rest, messages: [...before, message] };
}

/** `--image` and `--audio`: an input of that kind, or a picture of the conversation. */
export async function inputsOfFiles(
  task: Task,
  files: { readonly image?: string; readonly audio?: string },
): Promise<Fields> {
  const fields: Fields = {};
  for (const kind of ['image', 'audio'] as const) {
    const path = files[kind];
    if (path === undefined) continue;
    const input = task.inputs.find((one) => one.kind === kind);
    const isTalk = kind === 'image' && task.inputs.some((one) => one.kind === 'messages');
    if (input === undefined && !isTalk) {
      const takes = task.inputs.map((one) => `${one.name} (${one.kind})`).join(', ');
      throw new MlosError(
        'INVALID_ARGUMENT',
        `${task.name} takes no --${kind}; it takes ${takes}.`,
      );
    }
    const content = await readInputFile(path);
    if (input === undefined) fields['images'] = [content];
    else fields[input.name] = content;
  }
  return fields;
}
