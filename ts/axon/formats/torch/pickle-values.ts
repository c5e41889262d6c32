/** What is known of a value on a pickle's stack: enough to follow names and storages. */
export type PickleValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'bytes'; readonly hex: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'tuple'; readonly items: readonly PickleValue[] }
  | { readonly kind: 'other' };

export const other: PickleValue = { kind: 'other' };

/** Longest text and tuple that are remembered; longer ones are `other`, and so never a name. */
export const maxText = 1_024;
export const maxTuple = 16;

export const textOf = (text: string): PickleValue =>
  text.length <= maxText ? { kind: 'text', text } : other;

export const numberOf = (number: number): PickleValue => ({ kind: 'number', number });

export function tupleOf(items: readonly PickleValue[]): PickleValue {
  // Tuples of tuples are forgotten: nothing looks into them, and a chain of them could grow without end.
  return items.length <= maxTuple
    ? { kind: 'tuple', items: items.map((item) => (item.kind === 'tuple' ? other : item)) }
    : other;
}
