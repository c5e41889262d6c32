import { MlosError } from '../../../protocol/errors.ts';
import type { Answer } from './ask.ts';
import { Conversation } from './conversation.ts';
import { type Task, wantedInputs } from './request.ts';
import { inputsFrom, readInputs, readParameters, type Typed } from './typed-inputs.ts';
import { TypedLines } from './typed-lines.ts';

type Fields = Record<string, unknown>;

const forgotten =
  "(The conversation has grown longer than the model's context: what was said first is forgotten.)\n";

function isTalk({ facts }: Task): boolean {
  return facts['chat'] === true;
}

/** For a model that is not talked to, it is a text like others. */
function isClear(task: Task, typed: Typed): boolean {
  return isTalk(task) && typed.length === 1 && typed[0]?.words.join(' ').trim() === '/clear';
}

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
  const help = isTalk(task) ? 'Ctrl-D leaves, /clear begins anew.' : 'Ctrl-D leaves.';
  const lines = new TypedLines(room, () => {
    if (running !== null) {
      running.abort();
      return;
    }
    output.write(`\n${help}\n`);
    if (lines.isAsking) lines.again();
  });
  const conversation = new Conversation(task);
  try {
    output.write(`${help}\n`);
    const settings = await readParameters(lines, task, given);
    while (settings !== null) {
      const typed = await readInputs(lines, wantedInputs(task, given));
      if (typed === null) break;
      if (isClear(task, typed)) {
        conversation.clear();
        output.write('(What was said is forgotten.)\n');
        continue;
      }
      const controller = new AbortController();
      running = controller;
      try {
        const fields = { ...given, ...settings, ...(await inputsFrom(typed)) };
        const hasForgotten = await conversation.ask(fields, (request) =>
          room.ask(request, controller.signal),
        );
        if (hasForgotten) output.write(forgotten);
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
