import type { TokenLogprob } from '../../../protocol/tasks/generation-event.ts';

/** A token's bytes as clients get them; null where a part of a character is not known by its bytes. */
export function tokenBytes({ token, bytes }: Omit<TokenLogprob, 'top'>): readonly number[] | null {
  return bytes ?? (token.includes('\ufffd') ? null : [...Buffer.from(token)]);
}
