import { MlosError } from '../../../protocol/errors.ts';
import type { Answer } from './ask.ts';
import { asConversation, type Task } from './request.ts';

type Fields = Readonly<Record<string, unknown>>;
/** What was asked, and what was answered. */
type Turn = readonly [object, object];

/** Where a prompt is longer than a model reads, the error tells both lengths. */
function isTooLong(error: MlosError): boolean {
  const { context_length: context, prompt_tokens: tokens } = error.details ?? {};
  return (
    error.code === 'PAYLOAD_TOO_LARGE' ||
    (typeof context === 'number' && typeof tokens === 'number')
  );
}

/** Half of it, so that not every answer from now on is short of room. */
function newer(turns: readonly Turn[]): readonly Turn[] {
  return turns.slice(Math.ceil(turns.length / 2));
}

/**
 * One request after the other, each with what was said before where the model is talked to. What no longer fits its
 * context is forgotten, the oldest first: else every line from then on would be refused.
 */
export class Conversation {
  readonly #task: Task;
  #turns: readonly Turn[] = [];
  #hasForgotten = false;

  constructor(task: Task) {
    this.#task = task;
  }

  clear(): void {
    this.#turns = [];
    this.#hasForgotten = false;
  }

  /** Whether something had to be forgotten for the first time. What fails forgets nothing. Errors: those of `send`. */
  async ask(fields: Fields, send: (request: Fields) => Promise<Answer>): Promise<boolean> {
    let turns = this.#turns;
    for (;;) {
      const request = asConversation(this.#task, { ...fields }, turns.flat());
      try {
        const answer = await send(request);
        const isFirst = !this.#hasForgotten && turns.length < this.#turns.length;
        this.#hasForgotten ||= isFirst;
        this.#turns = [...turns, ...turnOf(request, answer)];
        return isFirst;
      } catch (thrown) {
        if (turns.length === 0 || !isTooLong(MlosError.from(thrown))) throw thrown;
        turns = newer(turns);
      }
    }
  }
}

/** A conversation goes on from what was asked and answered. */
function turnOf({ messages }: Fields, { result }: Answer): Turn[] {
  const asked = Array.isArray(messages) ? messages.at(-1) : undefined;
  const { text } = (result ?? {}) as { readonly text?: unknown };
  if (asked === undefined || typeof text !== 'string') return [];
  return [[asked as object, { role: 'assistant', content: text }]];
}
