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
  /** Of a decoder that looks at what an encoder read: its keys and values of that. Empty for others. */
  readonly cross: readonly CrossState[];
  /** Entries of the vocabulary that logits has; null where the model does not say. */
  readonly vocabulary: number | null;
}

/** What the first step gives, and every later one takes; it does not change. */
export interface CrossState {
  readonly input: string;
  readonly output: string;
  /** −1: rows, and tokens that the encoder read. */
  readonly shape: readonly number[];
}

const known = [
  'input_ids',
  'attention_mask',
  'position_ids',
  /** Of models that are two in one: with and without a past. */
  'use_cache_branch',
  /** What an encoder made of the text that it read. */
  'encoder_hidden_states',
  'encoder_attention_mask',
  /** How many of the last positions have logits. */
  'num_logits_to_keep',
] as const;
export type DecoderInput = (typeof known)[number];

const isKnown = (name: string): name is DecoderInput => known.some((one) => one === name);

/** Exporters write present.0.key for past_key_values.0.key, and present.0.decoder.key where there is an encoder. */
function presentOf(past: string): string | null {
  const match = /^past_key_values\.(\d+\.(?:(?:de|en)coder\.)?(?:key|value))$/.exec(past);
  return match === null ? null : `present.${match[1]}`;
}

const isCross = (past: string) => past.includes('.encoder.');

/** What one run gives and the next takes; null: it is something else. */
function keptOf(spec: TensorSpec, outputs: readonly TensorSpec[]): CrossState | null {
  const output = presentOf(spec.name);
  const isGiven = outputs.some(({ name }) => name === output);
  if (output === null || !isGiven || spec.shape === null) return null;
  return { input: spec.name, output, shape: spec.shape };
}

/** Nothing at first: every open dimension but the rows is 0 long. */
function fromNothing({ input, output, shape }: CrossState): ModelState {
  return { input, output, shape: shape.map((dim, axis) => (axis === 0 || dim >= 0 ? dim : 0)) };
}

/** Null: the model cannot go on with a text, or needs something that this plugin does not know. */
export function decoderPlan({ inputs, outputs }: Signature): DecoderPlan | null {
  const logits = outputs.find(({ name }) => name === 'logits');
  if (logits === undefined || !['float32', 'float16'].includes(logits.dtype)) return null;
  const takes = new Set(inputs.map(({ name }) => name).filter(isKnown));
  if (!takes.has('input_ids')) return null;
  const others = inputs.filter(({ name }) => !isKnown(name));
  const kept = others.map((spec) => keptOf(spec, outputs)).filter((one) => one !== null);
  if (kept.length < others.length) return null;
  const last = logits.shape?.at(-1) ?? -1;
  return {
    takes,
    states: kept.filter(({ input }) => !isCross(input)).map(fromNothing),
    cross: kept.filter(({ input }) => isCross(input)),
    vocabulary: last > 0 ? last : null,
  };
}
