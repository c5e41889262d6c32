/*
 * Some tokenizers put a blank before each word and mark; "clean_up_tokenization_spaces" of their packages takes out
 * those that do not belong there, from a whole text. This does it while the text comes: what may be the beginning of
 * such a place is held back.
 */
const rules: readonly (readonly [from: string, to: string])[] = [
  ...[' .', ' ?', ' !', ' ,'].map((from) => [from, from.slice(1)] as const),
  [" ' ", "'"],
  ...[" n't", " 'm", " 's", " 've", " 're"].map((from) => [from, from.slice(1)] as const),
];

function clean(text: string): string {
  return rules.reduce((so, [from, to]) => so.replaceAll(from, to), text);
}

/** How much of the end may go on to be one of the places. */
function unsure(text: string): number {
  let most = 0;
  for (const [from] of rules) {
    for (let length = from.length - 1; length > most; length -= 1) {
      if (text.endsWith(from.slice(0, length))) most = length;
    }
  }
  return most;
}

export class BlankCleaner {
  #held = '';

  /** What is certain now. */
  push(text: string): string {
    const all = this.#held + text;
    const end = this.#sureUpTo(all);
    this.#held = all.slice(end);
    return clean(all.slice(0, end));
  }

  /** The rest. */
  end(): string {
    const rest = clean(this.#held);
    this.#held = '';
    return rest;
  }

  /** A cut that no place reaches over, whatever follows. */
  #sureUpTo(text: string): number {
    let end = text.length;
    for (let more = unsure(text); more > 0; more = unsure(text.slice(0, end))) end -= more;
    return end;
  }
}
