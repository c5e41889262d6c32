/** Globs as hubs' own tools read them: `*` crosses `/`, `?` is one character, a final `/` takes the folder. */
export function matchesAny(path: string, globs: readonly string[]): boolean {
  return globs.some((glob) => matches(path, glob.endsWith('/') ? `${glob}*` : glob));
}

/** Two pointers and one place to come back to: linear memory, no regular expression to blow up. */
function matches(path: string, glob: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let backTo = 0;
  while (at < path.length) {
    const token = glob[inGlob];
    if (token === '*') {
      star = inGlob;
      backTo = at;
      inGlob += 1;
    } else if (token === '?' || (token !== undefined && token === path[at])) {
      at += 1;
      inGlob += 1;
    } else if (star >= 0) {
      backTo += 1;
      at = backTo;
      inGlob = star + 1;
    } else return false;
  }
  while (glob[inGlob] === '*') inGlob += 1;
  return inGlob === glob.length;
}
