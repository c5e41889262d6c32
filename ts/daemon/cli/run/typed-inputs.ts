import {
  inputsOfWords,
  isFile,
  neededParameters,
  type Task,
  type TaskInputInfo,
  typedValue,
} from './request.ts';
import type { TypedLines } from './typed-lines.ts';
import { typedPath } from './typed-path.ts';

type Fields = Record<string, unknown>;
export type Typed = readonly {
  readonly input: TaskInputInfo;
  readonly words: readonly string[];
}[];

/** What the task cannot do without, and was not given; null after Ctrl-D. */
export async function readParameters(
  lines: TypedLines,
  task: Task,
  given: Readonly<Fields>,
): Promise<Fields | null> {
  const fields: Fields = {};
  for (const { name, example } of neededParameters(task, given)) {
    const words = await readOne(lines, `${name}, such as ${example} >>> `);
    if (words === null) return null;
    fields[name] = typedValue(task, name, words.join(' ').trim());
  }
  return fields;
}

/** What each wanted input was answered with; null after Ctrl-D. */
export async function readInputs(
  lines: TypedLines,
  wanted: readonly TaskInputInfo[],
): Promise<Typed | null> {
  const typed: { input: TaskInputInfo; words: string[] }[] = [];
  for (const input of wanted) {
    const prompt = wanted.length > 1 ? `${input.name} >>> ` : '>>> ';
    const words = await (input.kind === 'texts' ? readList(lines, prompt) : readOne(lines, prompt));
    if (words === null) return null;
    typed.push({ input, words });
  }
  return typed;
}

/** One line; empty ones are asked again. */
async function readOne(lines: TypedLines, prompt: string): Promise<string[] | null> {
  for (;;) {
    const line = await lines.next(prompt);
    if (line === null) return null;
    if (line.trim() !== '') return [line];
  }
}

/** Lines until an empty one. */
async function readList(lines: TypedLines, prompt: string): Promise<string[] | null> {
  const list: string[] = [];
  for (;;) {
    const line = await lines.next(prompt);
    if (line === null) return null;
    if (line.trim() !== '') list.push(line);
    else if (list.length > 0) return list;
  }
}

export async function inputsFrom(typed: Typed): Promise<Fields> {
  const parts = await Promise.all(
    typed.map(({ input, words }) => {
      const own = isFile(input) ? words.map((word) => typedPath(word)) : words;
      return inputsOfWords([input], own);
    }),
  );
  return Object.assign({}, ...parts) as Fields;
}
