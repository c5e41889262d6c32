import { AxonError } from '../../axon-error.ts';

/** `<owner>/<repo>`, `@<tag>` (`latest` is the newest release), `#<asset>` for one of its files. */
export interface GhSpec {
  readonly repo: string;
  readonly tag: string;
  readonly asset: string | null;
}

const repoPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,99}\/[A-Za-z0-9._-]{1,100}$/;

export function parseGhSpec(text: string): GhSpec {
  const hash = text.indexOf('#');
  const asset = hash < 0 ? null : text.slice(hash + 1);
  const place = hash < 0 ? text : text.slice(0, hash);
  const at = place.indexOf('@');
  const repo = at < 0 ? place : place.slice(0, at);
  const tag = at < 0 ? 'latest' : place.slice(at + 1);
  if (!repoPattern.test(repo) || /(^|\/)\.{1,2}$/.test(repo))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(repo)} is no repository of GitHub; write gh/<owner>/<repo>@<tag>#<asset>.`,
    );
  // What git allows in the name of a tag.
  if (tag.length > 200 || !/^[^\s~^:?*[\\]+$/.test(tag) || /\.\.|^[/.-]|[/.]$/.test(tag))
    throw new AxonError('INVALID_SPEC', `${JSON.stringify(tag)} cannot be a tag of ${repo}.`);
  if (asset !== null && (asset === '' || asset.length > 255))
    throw new AxonError('INVALID_SPEC', `#${asset} names no asset of ${repo}@${tag}.`);
  return { repo, tag, asset };
}
