import type { GeneratedText } from '../text/text-models.ts';

/** A part of a character has no text, and so none of the text's bytes. */
function bytesOf(token: string): readonly number[] | null {
  return token.includes('\ufffd') ? null : [...Buffer.from(token)];
}

/** Log probabilities of tokens as chats and responses have them. */
export function logprobContent(list: NonNullable<GeneratedText['logprobs']>) {
  return list.map(({ token, logprob, top }) => ({
    ...{ token, logprob, bytes: bytesOf(token) },
    top_logprobs: top.map((one) => ({ ...one, bytes: bytesOf(one.token) })),
  }));
}
