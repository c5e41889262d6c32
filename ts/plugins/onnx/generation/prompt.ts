import { MlosError } from '../../../protocol/errors.ts';
import type { Tokenizer } from '../tasks/library.ts';
import { checkTextLength } from '../tasks/text-length.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a conversation's template reads beside the messages. */
function templateOptions(parameters: Fields): Record<string, unknown> {
  const { tools, think } = parameters;
  return {
    ...(tools === undefined ? {} : { tools }),
    ...(think === undefined ? {} : { enable_thinking: think }),
  };
}

function fromMessages(tokenizer: Tokenizer, messages: unknown, parameters: Fields): number[] {
  const written = templateText(tokenizer, messages, parameters);
  checkTextLength(written.length);
  // The template writes the special tokens itself.
  return tokenizer.encode(written, { add_special_tokens: false });
}

function templateText(tokenizer: Tokenizer, messages: unknown, parameters: Fields): string {
  if (tokenizer.chat_template === null || tokenizer.chat_template === undefined) {
    throw new MlosError(
      'UNIMPLEMENTED',
      'The model has no chat template, so that it cannot take messages; give it a text.',
    );
  }
  try {
    return tokenizer.apply_chat_template(messages as never, {
      ...{ tokenize: false, add_generation_prompt: true },
      ...templateOptions(parameters),
    }) as string;
  } catch (error) {
    throw new MlosError(
      'INVALID_VALUE',
      `The model's chat template refuses the messages: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Inputs of text-generation as tokens. Errors: MISSING_INPUT, INVALID_ARGUMENT, INVALID_VALUE, UNIMPLEMENTED. */
export function promptTokens(tokenizer: Tokenizer, inputs: Fields, parameters: Fields): number[] {
  const { text, messages } = inputs;
  if (text !== undefined && messages !== undefined) {
    throw new MlosError('INVALID_ARGUMENT', 'Give a text or messages, not both.');
  }
  if (text === undefined && messages === undefined) {
    throw new MlosError('MISSING_INPUT', 'Give a text to go on with, or messages.');
  }
  const tokens =
    messages === undefined
      ? tokenizer.encode(text as string, { add_special_tokens: parameters['raw'] !== true })
      : fromMessages(tokenizer, messages, parameters);
  if (tokens.length > 0) return tokens;
  // Of an empty text, models that have a first token write what they like.
  const { bos_token_id: first } = tokenizer as unknown as { bos_token_id?: number | null };
  if (typeof first === 'number') return [first];
  throw new MlosError(
    'INVALID_VALUE',
    'The text is empty, and the model has no token to begin with.',
  );
}
