import type { Decode } from '../../generation/text-stream.ts';
import type { Tokenizer } from '../tasks/library.ts';

/** The library's own tokenizer within its public one, which says what its package wants. */
interface Inner {
  readonly _tokenizer?: {
    readonly clean_up_tokenization_spaces?: boolean;
    id_to_token(id: number): string | undefined;
  };
}

/** Text of tokens as they come: what the package would clean of blanks is cleaned where the text is whole. */
export function textDecoder(tokenizer: Tokenizer): Decode {
  const how = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
  const decode = (tokens: readonly number[]) =>
    tokens.length === 0 ? '' : tokenizer.decode([...tokens], how);
  const { _tokenizer: inner } = tokenizer as unknown as Inner;
  return Object.assign(decode, {
    cleansBlanks: inner?.clean_up_tokenization_spaces === true,
    pieceOf: (token: number) => inner?.id_to_token(token),
  });
}
