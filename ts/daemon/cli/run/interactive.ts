import { MlosError } from '../../../protocol/errors.ts';
import type { Answer } from './ask.ts';
import {
  asConversation,
  inputsOfWords,
  isFile,
  type Task,
  type TaskInputInfo,
  wantedInputs,
} from './request.ts';
import { TypedLines } from './typed-lines.ts';
import { typedPath } from './typed-path.ts';

type Fields = Record<string, unknown>;

/** One question after the other, until Ctrl-D. Ctrl-C ends the answer that is coming, or the line being typed. */
export async function interact(
  task: Task,
  given: Readonly<Fields>,
  room: {
    readonly input: NodeJS.ReadableStream;
    readonly output: NodeJS.WritableStream;
    readonly ask: (request: Fields, signal: AbortSignal) => Promise<Answer>;
  },
): Promise<void> {
  const { output } = room;
  let running: AbortController | null = null;
  const lines = new TypedLines(room, () => {
    if (running !== null) {
      running.abort();
      return;
    }
    output.write('\nCtrl-D leaves.\n');
    if (lines.isAsking) lines.again();
  });
  const history: object[] = [];
  try {
    for (;;) {
      const typed = await readInputs(lines, wantedInputs(task, given));
      if (typed === null) break;
      const controller = new AbortController();
      running = controller;
      try {
        const fields = { ...given, ...(await inputsFrom(typed)) };
        const request = asConversation(task, fields, history);
        const answer = await room.ask(request, controller.signal);
        remember(history, request, answer);
      } catch (thrown) {
        const error = MlosError.from(thrown);
        output.write(error.code === 'CANCELLED' ? '(stopped)\n' : `mlos: ${error.message}\n`);
      }
      running = null;
    }
    output.write('\n');
  } finally {
    lines.close();
  }
}

type Typed = readonly { readonly input: TaskInputInfo; readonly words: readonly string[] }[];

/** What each wanted input was answered with; null after Ctrl-D. */
async function readInputs(
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

async function inputsFrom(typed: Typed): Promise<Fields> {
  const parts = await Promise.all(
    typed.map(({ input, words }) => {
      const own = isFile(input) ? words.map((word) => typedPath(word)) : words;
      return inputsOfWords([input], own);
    }),
  );
  return Object.assign({}, ...parts) as Fields;
}

/** A conversation goes on from what was asked and answered. */
function remember(history: object[], { messages }: Readonly<Fields>, { result }: Answer): void {
  const asked = Array.isArray(messages) ? messages.at(-1) : undefined;
  const { text } = (result ?? {}) as { readonly text?: unknown };
  if (asked === undefined || typeof text !== 'string') return;
  history.push(asked as object, { role: 'assistant', content: text });
}
