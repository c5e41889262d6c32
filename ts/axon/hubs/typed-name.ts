/** What stands before and behind the last `@` of what was typed; without one the latest is meant. */
export function nameAndVersion(text: string): { readonly name: string; readonly version: string } {
  const at = text.lastIndexOf('@');
  if (at <= 0) return { name: text, version: 'latest' };
  return { name: text.slice(0, at), version: text.slice(at + 1) };
}
