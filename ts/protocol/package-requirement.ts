/*
 * Packages of npm or pip that a model needs in its plugin's environment: how a manifest names them, for
 * who makes one and for who looks whether they are there.
 */
export const packageName = /^(@[A-Za-z0-9._~-]+\/)?[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** One condition: an operator of npm or pip, and a version. */
const clause = /^(\^|~=|~|>=|<=|===|==|!=|=|>|<)?\s*v?([0-9][A-Za-z0-9.+!-]*)$/;

export interface VersionClause {
  readonly operator: string;
  readonly version: string;
}

/** The conditions of `>=1.2,<2`, `^1.2`, `~=1.4.2`, `1.2.0`; none for `*`; null where the text is none of these. */
export function readRequirement(text: string): readonly VersionClause[] | null {
  const clauses: VersionClause[] = [];
  const parts = text.replace(/([<>=~^!])\s+/g, '$1').split(/[\s,]+/);
  for (const part of parts) {
    if (part === '' || part === '*') continue;
    const [, operator = '=', version] = clause.exec(part) ?? [];
    if (version === undefined) return null;
    clauses.push({ operator, version });
  }
  return clauses;
}
