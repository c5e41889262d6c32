type Fields = Readonly<Record<string, unknown>>;

/** Forbids tokens that may not come next: their logits become −∞. `seen`: the prompt and what was written. */
export type Constraint = (logits: Float32Array, seen: readonly number[]) => void;

function listOf(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((one): one is number => Number.isInteger(one)) : [];
}

function forbid(logits: Float32Array, tokens: Iterable<number>): void {
  for (const token of tokens) {
    if (token >= 0 && token < logits.length) logits[token] = Number.NEGATIVE_INFINITY;
  }
}

/** A run of `size` tokens that was there is not written again. */
function noRepeat(size: number): Constraint {
  return (logits, seen) => {
    const begun = seen.slice(seen.length - size + 1);
    for (let at = 0; at + size <= seen.length; at += 1) {
      if (begun.every((token, index) => seen[at + index] === token)) {
        forbid(logits, [seen[at + size - 1] as number]);
      }
    }
  };
}

/** Rows of tokens that are never written. */
function noWords(words: readonly (readonly number[])[]): Constraint {
  return (logits, seen) => {
    for (const word of words) {
      const last = word.at(-1);
      const before = word.slice(0, -1);
      const from = seen.length - before.length;
      const isBegun = from >= 0 && before.every((token, index) => seen[from + index] === token);
      if (isBegun && last !== undefined) forbid(logits, [last]);
    }
  };
}

/** What a package does not let its model write, in the words of generation_config.json. */
export function packagedConstraints(packaged: Fields, promptLength: number): Constraint[] {
  const constraints: Constraint[] = [];
  const suppressed = listOf(packaged['suppress_tokens']);
  if (suppressed.length > 0) constraints.push((logits) => forbid(logits, suppressed));
  const first = listOf(packaged['begin_suppress_tokens']);
  if (first.length > 0) {
    constraints.push((logits, seen) => {
      if (seen.length === promptLength) forbid(logits, first);
    });
  }
  const words = packaged['bad_words_ids'];
  if (Array.isArray(words)) constraints.push(noWords(words.map(listOf)));
  const size = packaged['no_repeat_ngram_size'];
  if (Number.isInteger(size) && (size as number) > 0) constraints.push(noRepeat(size as number));
  return constraints;
}
