/*
 * An address as anybody may read it: without user, password and query. A manifest travels with its package, to
 * registries and other machines, and what is in these parts may be a secret.
 */
export function publicAddress(text: string): string {
  return text.replace(/^(https?:\/\/)(?:[^/?#]*@)?([^?#]*)(?:\?[^#]*)?/i, '$1$2');
}
