/** Length in code points, as JSON Schema counts characters; a lone surrogate counts as one. */
export function codePointCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
