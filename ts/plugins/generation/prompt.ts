import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { within } from './bounded-run.ts';
import { endOfThoughts, knowsThinking, type ReplyForm, replyForm } from './reply.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface ChatTemplate {
  readonly source: string;
  /** false: it writes all special tokens itself. */
  readonly beginsText: boolean;
  /** Writes a conversation down, special tokens included. */
  write(messages: unknown, options: Fields): string;
}

export interface Prompt {
  readonly tokens: readonly number[];
  /** What may be in the reply; null: there is no conversation. */
  readonly form: ReplyForm | null;
}

/** What a model's package has for texts. */
export interface PromptTools {
  /** `addSpecial`: those that a text of this model begins with. */
  encode(text: string, addSpecial: boolean): number[];
  /** How a conversation is written; null: the model has no chat template. */
  readonly chat: ChatTemplate | null;
  /** The token that begins a text; null: none does. */
  readonly first: number | null;
}

function knowsTools(template: string): boolean {
  return template.includes('tools');
}

/** Parameters of conversations that a model takes none of. `template`: its chat template; null: it has none. */
export function refusedOf(template: string | null): readonly string[] {
  const source = template ?? '';
  return [...(knowsTools(source) ? [] : ['tools']), ...(knowsThinking(source) ? [] : ['think'])];
}

/** What a conversation's template reads beside the messages. */
function templateOptions(parameters: Fields): Record<string, unknown> {
  const { tools, think } = parameters;
  return {
    ...(tools === undefined ? {} : { tools }),
    ...(think === undefined ? {} : { enable_thinking: think }),
  };
}

/** Templates would leave them out in silence. */
function hasPictures(messages: unknown): boolean {
  if (!Array.isArray(messages)) return false;
  return messages.some((message: unknown) => {
    const { images } = (message ?? {}) as Fields;
    return Array.isArray(images) && images.length > 0;
  });
}

function chatPrompt({ chat, encode }: PromptTools, messages: unknown, parameters: Fields): Prompt {
  if (chat === null) {
    throw new MlosError(
      'UNIMPLEMENTED',
      'The model has no chat template, so that it cannot take messages; give it a text.',
    );
  }
  if (hasPictures(messages)) {
    throw new MlosError('UNIMPLEMENTED', 'The model reads words only; leave the pictures out.');
  }
  if (parameters['tools'] !== undefined && !knowsTools(chat.source)) {
    throw new MlosError(
      'UNIMPLEMENTED',
      "The model's chat template knows no tools; leave them out.",
    );
  }
  if (parameters['think'] === true && !knowsThinking(chat.source)) {
    throw new MlosError(
      'UNIMPLEMENTED',
      "The model's chat template knows no thinking, so that it cannot be asked to think.",
    );
  }
  const text = written(chat, messages, templateOptions(parameters));
  return { tokens: encode(text, chat.beginsText), form: replyForm(chat.source, text, parameters) };
}

function written(chat: ChatTemplate, messages: unknown, options: Fields): string {
  let done: { readonly value: string } | null;
  try {
    done = within(limits.templateMs, () => chat.write(messages, options));
  } catch (error) {
    throw new MlosError(
      'INVALID_VALUE',
      `The model's chat template refuses the messages: ${(error as Error).message}`,
      { cause: error },
    );
  }
  if (done !== null) return done.value;
  throw new MlosError(
    'INVALID_VALUE',
    `The model's chat template did not end within ${limits.templateMs} ms, and was ended.`,
  );
}

/** The prompt of a reply that is said at once. Thoughts that the template began are ended, as templates end them. */
export function withoutThoughts(prompt: Prompt, { encode }: PromptTools): Prompt {
  const { tokens, form } = prompt;
  if (form === null || form.thinks === 'no') return prompt;
  const end = form.thinks === 'already' ? encode(endOfThoughts, false) : [];
  return { tokens: [...tokens, ...end], form: { ...form, thinks: 'no' } };
}

/** Inputs of text-generation as tokens. Errors: MISSING_INPUT, INVALID_ARGUMENT, INVALID_VALUE, UNIMPLEMENTED. */
export function readPrompt(tools: PromptTools, inputs: Fields, parameters: Fields): Prompt {
  const { text, messages } = inputs;
  if (text !== undefined && messages !== undefined) {
    throw new MlosError('INVALID_ARGUMENT', 'Give a text or messages, not both.');
  }
  if (messages !== undefined) return chatPrompt(tools, messages, parameters);
  if (text === undefined) {
    throw new MlosError('MISSING_INPUT', 'Give a text to go on with, or messages.');
  }
  if (parameters['tools'] !== undefined || parameters['tool_choice'] !== undefined) {
    throw new MlosError('INVALID_ARGUMENT', 'Tools are for messages; a text alone takes none.');
  }
  const tokens = tools.encode(text as string, parameters['raw'] !== true);
  if (tokens.length > 0) return { tokens, form: null };
  // Of an empty text, models that have a first token write what they like.
  if (tools.first !== null) return { tokens: [tools.first], form: null };
  throw new MlosError(
    'INVALID_VALUE',
    'The text is empty, and the model has no token to begin with.',
  );
}
