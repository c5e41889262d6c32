import type { ModelState } from '../../../native/engine.ts';
import type { Signature, TensorSpec } from '../../../protocol/tensor.ts';

/*
 * What a model that goes on with a text takes and gives, by the names that exporters of the field use:
 * input_ids → logits, and keys and values of what was read before, which each run gives as present.* and the
 * next one takes as past_key_values.*.
 */
export interface DecoderPlan {
  /** Keys and values from step to step; empty: every step reads the whole text again. */
  readonly states: readonly ModelState[];
  readonly takes: ReadonlySet<DecoderInput>;
  /** Entries of the vocabulary that logits has; null where the model does not say. */
  readonly vocabulary: number | null;
}

const known = [
  'input_ids',
  'attention_mask',
  'position_ids',
  /** Of models that are two in one: with and without a past. */
  'use_cache_branch',
  /** How many of the last positions have logits. */
  'num_logits_to_keep',
] as const;
export type DecoderInput = (typeof known)[number];

const isKnown = (name: string): name is DecoderInput => known.some((one) => one === name);

/** Exporters write present.0.key for past_key_values.0.key. */
function presentOf(past: string): string | null {
  const match = /^past_key_values\.(\d+\.(?:key|value))$/.exec(past);
  return match === null ? null : `present.${match[1]}`;
}

/** Nothing at first: every open dimension but the rows is 0 long. */
function stateOf(spec: TensorSpec, output: string): ModelState | null {
  if (spec.shape === null) return null;
  const shape = spec.shape.map((dim, axis) => (axis === 0 || dim >= 0 ? dim : 0));
  return { input: spec.name, output, shape };
}

/** Null: the model cannot go on with a text, or needs something that this plugin does not know. */
export function decoderPlan({ inputs, outputs }: Signature): DecoderPlan | null {
  const logits = outputs.find(({ name }) => name === 'logits');
  if (logits === undefined || !['float32', 'float16'].includes(logits.dtype)) return null;
  const states: ModelState[] = [];
  const takes = new Set<DecoderInput>();
  for (const spec of inputs) {
    if (isKnown(spec.name)) {
      takes.add(spec.name);
      continue;
    }
    const present = presentOf(spec.name);
    if (present === null || !outputs.some(({ name }) => name === present)) return null;
    const state = stateOf(spec, present);
    if (state === null) return null;
    states.push(state);
  }
  if (!takes.has('input_ids')) return null;
  const last = logits.shape?.at(-1) ?? -1;
  return { states, takes, vocabulary: last > 0 ? last : null };
}
