import { limits } from '../../../protocol/limits.ts';
import { numberOf } from '../../generation/settings.ts';
import type { PackageFacts } from '../tasks/package-facts.ts';

/** How many tokens there may be in all: what the model was made for. */
export function contextOf({ config }: PackageFacts): number {
  const keys = [
    'max_position_embeddings',
    'n_positions',
    'n_ctx',
    'seq_length',
    'max_sequence_length',
    'max_target_positions',
  ];
  for (const key of keys) {
    const value = numberOf(config[key]);
    if (value !== undefined && value > 0) return Math.min(value, limits.generationContextTokens);
  }
  return limits.generationContextTokens;
}

/** How many an encoder reads: tokens, or frames of a sound after its first layers. */
export function readableOf(facts: PackageFacts): number {
  const frames = numberOf(facts.config['max_source_positions']);
  return Math.min(frames ?? contextOf(facts), limits.encoderTokens);
}
