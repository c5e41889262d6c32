/*
 * A model's reply as it comes, taken apart: what it thinks, what it says, which tools it calls. The marks are those
 * that chat templates of the field write: <think>…</think>, <tool_call>…</tool_call> (Hermes, Qwen), or nothing but
 * JSON (Llama, Mistral).
 */
import { type OfferedTool, offeredTools } from './offered-tools.ts';
import { callsOf, type ToolCall } from './tool-calls.ts';

export interface ReplyPart {
  readonly text: string;
  readonly thinking: string;
}

/** What may be in a reply. */
export interface ReplyForm {
  /** already: the prompt ends where the thinking begins. */
  readonly thinks: 'no' | 'may' | 'already';
  /** Those that were offered. */
  readonly tools: readonly OfferedTool[];
}

const thinkBegin = '<think>';
const thinkEnd = '</think>';
/** What templates of the field (Qwen3) write where nothing shall be thought. */
export const endOfThoughts = `\n${thinkEnd}\n\n`;
const callBegin = '<tool_call>';
const callEnd = '</tool_call>';

type Fields = Readonly<Record<string, unknown>>;
type Mode = 'start' | 'text' | 'thinking' | 'call' | 'json';

/** How much of the end may be the beginning of one of the marks. */
function maybeMark(text: string, marks: readonly string[]): number {
  let most = 0;
  for (const mark of marks) {
    let length = Math.min(mark.length - 1, text.length);
    while (length > most && !text.endsWith(mark.slice(0, length))) length -= 1;
    most = Math.max(most, length);
  }
  return most;
}

function firstMark(text: string, marks: readonly string[]) {
  const found = marks.map((mark) => ({ mark, at: text.indexOf(mark) })).filter(({ at }) => at >= 0);
  return found.sort((a, b) => a.at - b.at)[0] ?? null;
}

export class ReplyReader {
  readonly #form: ReplyForm;
  readonly #calls: ToolCall[] = [];
  #mode: Mode;
  /** What was not given out yet. */
  #held = '';
  #out = { text: '', thinking: '' };
  /** Blanks that begin what is said or thought are none of it. */
  #trims: boolean;

  constructor(form: ReplyForm) {
    this.#form = form;
    this.#mode = form.thinks === 'already' ? 'thinking' : 'start';
    this.#trims = form.thinks !== 'no' || form.tools.length > 0;
  }

  get toolCalls(): readonly ToolCall[] {
    return this.#calls;
  }

  /** What is certain now. */
  push(text: string): ReplyPart {
    this.#held += text;
    while (this.#step());
    return this.#take();
  }

  /** The rest: what looked like a mark or a call, and is none, was said. */
  end(): ReplyPart {
    if (this.#mode === 'json') this.#readJson();
    else if (this.#mode === 'call') this.#readLastCall();
    else this.#say(this.#held);
    this.#held = '';
    return this.#take();
  }

  #take(): ReplyPart {
    const out = this.#out;
    this.#out = { text: '', thinking: '' };
    return out;
  }

  #say(text: string): void {
    const kept = this.#trims ? text.trimStart() : text;
    if (kept === '') return;
    this.#trims = false;
    if (this.#mode === 'thinking') this.#out.thinking += kept;
    else this.#out.text += kept;
  }

  #enter(mode: Mode, from: number): void {
    this.#mode = mode;
    this.#held = this.#held.slice(from);
    this.#trims = true;
  }

  get #marks(): readonly string[] {
    if (this.#mode === 'thinking') return [thinkEnd];
    if (this.#mode === 'call') return [callEnd];
    return [
      ...(this.#form.thinks === 'may' && this.#mode === 'start' ? [thinkBegin] : []),
      ...(this.#form.tools.length > 0 ? [callBegin] : []),
    ];
  }

  /** Whether there is more to be done with what is held. */
  #step(): boolean {
    if (this.#mode === 'json') return false;
    if (this.#mode === 'start' && this.#beginsJson()) {
      this.#mode = 'json';
      return false;
    }
    const marks = this.#marks;
    const found = firstMark(this.#held, marks);
    if (found !== null) return this.#passMark(found);
    if (this.#mode === 'call') return false;
    const end = this.#held.length - maybeMark(this.#held, marks);
    const said = this.#held.slice(0, end);
    this.#say(said);
    this.#held = this.#held.slice(end);
    if (this.#mode === 'start' && said.trim() !== '') this.#mode = 'text';
    return false;
  }

  #passMark({ mark, at }: { readonly mark: string; readonly at: number }): boolean {
    const before = this.#held.slice(0, at);
    if (mark === thinkBegin && before.trim() !== '') {
      // What begins with words thinks no more.
      this.#mode = 'text';
      return true;
    }
    if (mark === callEnd) this.#readCall(before);
    else this.#say(before);
    const after = at + mark.length;
    if (mark === thinkBegin) this.#enter('thinking', after);
    else if (mark === callBegin) this.#enter('call', after);
    // After its thoughts a model may begin with a call.
    else this.#enter(mark === thinkEnd ? 'start' : 'text', after);
    return true;
  }

  #beginsJson(): boolean {
    return this.#form.tools.length > 0 && /^\s*[[{]/.test(this.#held);
  }

  #readCall(text: string): void {
    const calls = callsOf(text, this.#form.tools);
    if (calls === null) this.#say(`${callBegin}${text}${callEnd}`);
    else this.#calls.push(...calls);
  }

  /** Some models end after a call without saying that it ends. */
  #readLastCall(): void {
    const calls = callsOf(this.#held, this.#form.tools);
    if (calls === null) this.#say(callBegin + this.#held);
    else this.#calls.push(...calls);
  }

  #readJson(): void {
    const calls = callsOf(this.#held, this.#form.tools);
    if (calls === null) this.#say(this.#held);
    else this.#calls.push(...calls);
  }
}

/** Whether a chat template asks a model to think aloud, or to leave it. */
export function knowsThinking(template: string): boolean {
  return knowsMarks(template) || template.includes('enable_thinking');
}

function knowsMarks(template: string): boolean {
  return template.includes(thinkBegin) || template.includes(thinkEnd);
}

/** What a reply to this prompt may have in it. `template`: the chat template that wrote it. */
export function replyForm(template: string, prompt: string, parameters: Fields): ReplyForm {
  const begun = prompt.trimEnd().endsWith(thinkBegin);
  return {
    thinks: begun ? 'already' : knowsMarks(template) ? 'may' : 'no',
    tools: offeredTools(parameters['tools']),
  };
}
