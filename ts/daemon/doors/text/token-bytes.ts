/** A token's bytes as clients get them. A part of a character has no text, and so none of the text's bytes. */
export function tokenBytes(token: string): readonly number[] | null {
  return token.includes('\ufffd') ? null : [...Buffer.from(token)];
}
