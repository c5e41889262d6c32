import type { PromptTools } from '../../generation/prompt.ts';
import { checkTextLength } from '../../text-length.ts';
import type { Tokenizer } from '../tasks/library.ts';

/** A package's tokenizer, as prompts are made with it. Errors of what it does: PAYLOAD_TOO_LARGE. */
export function promptTools(tokenizer: Tokenizer): PromptTools {
  const { bos_token_id: first } = tokenizer as unknown as { bos_token_id?: number | null };
  const { chat_template: template } = tokenizer;
  // Several are for several purposes; the library takes the one that fits.
  const source = typeof template === 'string' ? template : JSON.stringify(template ?? '');
  return {
    encode(text, addSpecial) {
      checkTextLength(text.length);
      return tokenizer.encode(text, { add_special_tokens: addSpecial });
    },
    chat: template
      ? {
          source,
          beginsText: false,
          write: (messages, options) =>
            tokenizer.apply_chat_template(messages as never, {
              ...{ tokenize: false, add_generation_prompt: true },
              ...options,
            }) as string,
        }
      : null,
    first: typeof first === 'number' ? first : null,
  };
}
