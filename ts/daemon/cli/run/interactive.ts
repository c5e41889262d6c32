import { MlosError } from '../../../protocol/errors.ts';
import type { Answer } from './ask.ts';
import { asConversation, type Task, wantedInputs } from './request.ts';
import { inputsFrom, readInputs, readParameters } from './typed-inputs.ts';
import { TypedLines } from './typed-lines.ts';

type Fields = Record<string, unknown>;

/**
 * One question after the other, behind what the task cannot do without, until Ctrl-D. Ctrl-C ends the answer that is
 * coming, or the line being typed.
 */
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
    const settings = await readParameters(lines, task, given);
    while (settings !== null) {
      const typed = await readInputs(lines, wantedInputs(task, given));
      if (typed === null) break;
      const controller = new AbortController();
      running = controller;
      try {
        const fields = { ...given, ...settings, ...(await inputsFrom(typed)) };
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

/** A conversation goes on from what was asked and answered. */
function remember(history: object[], { messages }: Readonly<Fields>, { result }: Answer): void {
  const asked = Array.isArray(messages) ? messages.at(-1) : undefined;
  const { text } = (result ?? {}) as { readonly text?: unknown };
  if (asked === undefined || typeof text !== 'string') return;
  history.push(asked as object, { role: 'assistant', content: text });
}
