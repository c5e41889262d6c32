import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { didYouMean } from '../../../protocol/nearest.ts';
import type { TaskInput, TaskSpec } from '../../../protocol/tasks/task.ts';
import { mediaBytes } from './media-input.ts';
import { type ChatMessage, readMessages } from './messages-input.ts';

type Values = ReadonlyMap<string, unknown>;

/** What people call the first input of any task. */
const firstInputNames = ['input', 'prompt', 'text'];

function labelOf({ name }: TaskInput): string {
  return `Input ${JSON.stringify(name)}`;
}

function readText(label: string, value: unknown): string {
  if (typeof value !== 'string') throw new MlosError('INVALID_VALUE', `${label} must be a text.`);
  return value;
}

/** Characters of everything in words. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + lengthOf(item), 0);
  return isMessage(value) ? lengthOf(value.content) : 0;
}

function isMessage(value: unknown): value is ChatMessage {
  return typeof value === 'object' && value !== null && 'content' in value;
}

function readOne(input: TaskInput, label: string, value: unknown): unknown {
  switch (input.kind) {
    case 'text':
      return readText(label, value);
    case 'image':
    case 'audio':
      return mediaBytes(label, value);
    case 'messages':
      return readMessages(label, value);
    case 'texts':
      return readList(label, value, (item, at) => readText(at, item));
  }
}

function readList<T>(
  label: string,
  value: unknown,
  read: (item: unknown, label: string) => T,
): T[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new MlosError('INVALID_VALUE', `${label} must be a list of one or more.`);
  }
  if (value.length > limits.taskItems) {
    throw new MlosError(
      'PAYLOAD_TOO_LARGE',
      `${label} has ${value.length} items; the limit is ${limits.taskItems}.`,
    );
  }
  return value.map((item, index) => read(item, `${label}[${index}]`));
}

/** A tensor of strings is a list of texts, one of bytes a file: that is what gRPC clients send. */
function unwrapped(value: unknown): unknown {
  const tensor = value as {
    readonly dtype?: unknown;
    readonly shape?: unknown;
    readonly data?: unknown;
  };
  if (typeof value !== 'object' || value === null) return value;
  if (tensor.dtype === 'uint8' && tensor.data instanceof Uint8Array) return tensor.data;
  if (tensor.dtype !== 'string') return value;
  if (!Array.isArray(tensor.data)) return value;
  const isScalar =
    Array.isArray(tensor.shape) && tensor.data.length === 1 && tensor.shape.length === 0;
  return isScalar ? tensor.data[0] : tensor.data;
}

/** The values by the task's own names. */
function named(spec: TaskSpec, given: Values): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const [first] = spec.inputs;
  for (const [key, value] of given) {
    const own = spec.inputs.some(({ name }) => name === key);
    const name = own || !firstInputNames.includes(key) ? key : (first?.name ?? key);
    if (values.has(name)) {
      throw new MlosError('INVALID_ARGUMENT', `Input ${JSON.stringify(name)} is given twice.`);
    }
    values.set(name, unwrapped(value));
  }
  return values;
}

/** Whether `key` names an input of the task. */
export function isTaskInput(spec: TaskSpec, key: string): boolean {
  return firstInputNames.includes(key) || spec.inputs.some(({ name }) => name === key);
}

function unknownName(spec: TaskSpec, name: string): MlosError {
  const inputs = spec.inputs.map((input) => input.name);
  const parameters = Object.keys(spec.parameters.properties);
  const shown = JSON.stringify(name.slice(0, 64));
  const others = didYouMean(name, [...inputs, ...parameters]);
  // What others call it is asked for in another way here.
  const events = name === 'stream' ? ' Events come to who accepts text/event-stream.' : '';
  const takes = `It takes ${inputs.join(', ')}, with ${parameters.join(', ')}.`;
  return new MlosError(
    'UNKNOWN_INPUT',
    `${spec.name} has no input or parameter ${shown}.${others}${events} ${takes}`,
  );
}

/** Errors: MISSING_INPUT, UNKNOWN_INPUT, INVALID_VALUE, PAYLOAD_TOO_LARGE. */
export function readTaskInputs(spec: TaskSpec, given: Values): Record<string, unknown> {
  const values = named(spec, given);
  const inputs: Record<string, unknown> = {};
  for (const [index, input] of spec.inputs.entries()) {
    const value = values.get(input.name);
    values.delete(input.name);
    if (value === undefined || value === null) {
      if (input.required) throw missing(spec, input);
      continue;
    }
    const label = labelOf(input);
    const isList = index === 0 && spec.takesLists && Array.isArray(value);
    inputs[input.name] = isList
      ? readList(label, value, (item, at) => readOne(input, at, item))
      : readOne(input, label, value);
  }
  const [strange] = values.keys();
  if (strange !== undefined) {
    throw unknownName(spec, strange);
  }
  if (Object.keys(inputs).length === 0) throw missing(spec, spec.inputs[0] as TaskInput);
  const length = lengthOf(Object.values(inputs));
  if (length > limits.taskTextLength) {
    throw new MlosError(
      'PAYLOAD_TOO_LARGE',
      `The texts have ${length} characters together; the limit is ${limits.taskTextLength}.`,
    );
  }
  return inputs;
}

function missing(spec: TaskSpec, input: TaskInput): MlosError {
  return new MlosError(
    'MISSING_INPUT',
    `${spec.name} needs ${labelOf(input).toLowerCase()}: ${input.description}`,
    {
      details: {
        inputs: spec.inputs.map(({ name, kind, required }) => ({ name, kind, required })),
      },
    },
  );
}
