import type { GeneratedText } from '../text/text-models.ts';
import { tokenBytes } from '../text/token-bytes.ts';

/** Log probabilities of tokens as chats and responses have them. */
export function logprobContent(list: NonNullable<GeneratedText['logprobs']>) {
  return list.map(({ top, ...one }) => ({
    ...{ ...one, bytes: tokenBytes(one) },
    top_logprobs: top.map((other) => ({ ...other, bytes: tokenBytes(other) })),
  }));
}
