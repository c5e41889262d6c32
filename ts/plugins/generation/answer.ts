import type { PluginTaskRequest } from '../../smi/serve.ts';
import { EventsTogether } from './events-together.ts';
import { type ReplyForm, type ReplyPart, ReplyReader } from './reply.ts';
import type { Saying, Written } from './writing.ts';

/** A text as the task text-generation answers it, and tells of it while it is written. */
export class Answer {
  readonly #events: EventsTogether;
  /** Null: the text is no reply in a conversation. */
  readonly #reader: ReplyReader | null;
  #text = '';
  #thinking = '';
  /** Tokens and log probabilities of what is held back. */
  #tokens = 0;
  #logprobs: Saying['logprobs'][number][] = [];

  constructor(emit: PluginTaskRequest['emit'], form: ReplyForm | null) {
    this.#events = new EventsTogether(emit);
    this.#reader = form === null ? null : new ReplyReader(form);
  }

  readonly say = ({ text, tokens, logprobs }: Saying): void => {
    this.#tokens += tokens;
    this.#logprobs.push(...logprobs);
    this.#tell(this.#reader?.push(text) ?? { text, thinking: '' });
  };

  end(written: Written, promptTokens: number): Record<string, unknown> {
    if (this.#reader !== null) this.#tell(this.#reader.end());
    this.#events.flush();
    const calls = this.#reader?.toolCalls ?? [];
    const calledTools = calls.length > 0 && written.finishReason === 'stop';
    return {
      text: this.#text,
      finish_reason: calledTools ? 'tool_calls' : written.finishReason,
      prompt_tokens: promptTokens,
      completion_tokens: written.tokens,
      ...(written.logprobs === null ? {} : { logprobs: written.logprobs }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
      ...(this.#thinking === '' ? {} : { thinking: this.#thinking }),
    };
  }

  #tell({ text, thinking }: ReplyPart): void {
    if (text === '' && thinking === '') return;
    this.#text += text;
    this.#thinking += thinking;
    this.#events.add({ text, thinking, tokens: this.#tokens, logprobs: this.#logprobs });
    this.#tokens = 0;
    this.#logprobs = [];
  }
}
