import type { Tokenizer } from '../tasks/library.ts';
import type { PackageFacts } from '../tasks/package-facts.ts';

/** Tokens that end a text, by the package: generation_config.json, else config.json, else the tokenizer's. */
export function endTokens(facts: PackageFacts, tokenizer: Tokenizer): Set<number> {
  const said = facts.generation['eos_token_id'] ?? facts.config['eos_token_id'];
  const ids = [said].flat().filter((id): id is number => Number.isInteger(id));
  const { eos_token_id: end } = tokenizer as unknown as { eos_token_id?: number | null };
  return new Set(ids.length > 0 || typeof end !== 'number' ? ids : [end]);
}
