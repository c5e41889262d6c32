import { randomUUID } from 'node:crypto';
import type { Fields } from '../text/fields.ts';
import type { GeneratedText } from '../text/text-models.ts';
import { logprobContent } from './logprobs.ts';

type Part = { type: string; text: string };
type Open = {
  readonly kind: 'message' | 'reasoning';
  readonly id: string;
  text: string;
  logprobs: unknown[];
};

const partTypes = { message: 'output_text', reasoning: 'reasoning_text' } as const;

function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

function partOf({ kind, text, logprobs }: Open): Part {
  const type = partTypes[kind];
  return { type, text, ...(kind === 'message' ? { annotations: [], logprobs } : {}) };
}

function itemOf(open: Open, status: string, content: readonly Part[]): Fields {
  const { kind, id } = open;
  return kind === 'message'
    ? { id, type: kind, status, role: 'assistant', content }
    : { id, type: kind, status, summary: [], content };
}

/**
 * The items of one response, which grow piece by piece: each step gives the events that tell of it, which whoever
 * wants the whole alone may drop. One item is open at a time.
 */
export class ResponseOutput {
  readonly items: Fields[] = [];
  #open: Open | null = null;

  *thinking(delta: string): Generator<Fields> {
    if (delta === '') return;
    yield* this.#grow('reasoning', delta, []);
  }

  *text(delta: string, logprobs: GeneratedText['logprobs'] = []): Generator<Fields> {
    if (delta === '') return;
    yield* this.#grow('message', delta, logprobContent(logprobs));
  }

  /** The answer is whole: what was not told in pieces is told now. */
  *end(answer: GeneratedText): Generator<Fields> {
    const calls = answer.tool_calls ?? [];
    const hasMessage = this.#open?.kind === 'message';
    // An answer without words is an empty message, unless it is a call.
    if (!hasMessage && calls.length === 0) yield* this.#begin('message');
    yield* this.#close(answer.finish_reason === 'length' ? 'incomplete' : 'completed');
    for (const { name, arguments: values } of calls) {
      yield* this.#call(name, typeof values === 'string' ? values : JSON.stringify(values));
    }
  }

  *#begin(kind: Open['kind']): Generator<Fields, Open> {
    yield* this.#close('completed');
    const id = newId(kind === 'message' ? 'msg' : 'rs');
    const open: Open = { kind, id, text: '', logprobs: [] };
    this.#open = open;
    const at = { output_index: this.items.length };
    yield { type: 'response.output_item.added', ...at, item: itemOf(open, 'in_progress', []) };
    yield { type: 'response.content_part.added', ...this.#at(open), part: partOf(open) };
    return open;
  }

  *#grow(kind: Open['kind'], delta: string, logprobs: readonly unknown[]): Generator<Fields> {
    const open = this.#open?.kind === kind ? this.#open : yield* this.#begin(kind);
    open.text += delta;
    open.logprobs.push(...logprobs);
    const more = kind === 'message' ? { logprobs } : {};
    yield { type: `response.${partTypes[kind]}.delta`, ...this.#at(open), delta, ...more };
  }

  *#close(status: string): Generator<Fields> {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    const { kind, text, logprobs } = open;
    const [at, part] = [this.#at(open), partOf(open)];
    const more = kind === 'message' ? { logprobs } : {};
    yield { type: `response.${partTypes[kind]}.done`, ...at, text, ...more };
    yield { type: 'response.content_part.done', ...at, part };
    yield* this.#done(itemOf(open, status, [part]));
  }

  *#call(name: string, values: string): Generator<Fields> {
    const id = newId('fc');
    const call = { id, type: 'function_call', call_id: newId('call'), name };
    const output_index = this.items.length;
    const item = { ...call, arguments: '', status: 'in_progress' };
    yield { type: 'response.output_item.added', output_index, item };
    const at = { item_id: id, output_index };
    yield { type: 'response.function_call_arguments.delta', ...at, delta: values };
    yield { type: 'response.function_call_arguments.done', ...at, name, arguments: values };
    yield* this.#done({ ...call, arguments: values, status: 'completed' });
  }

  *#done(item: Fields): Generator<Fields> {
    const output_index = this.items.length;
    this.items.push(item);
    yield { type: 'response.output_item.done', output_index, item };
  }

  #at({ id }: Open): Fields {
    return { item_id: id, output_index: this.items.length, content_index: 0 };
  }
}
