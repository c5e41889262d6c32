import { AxonError } from '../../axon-error.ts';
import { nameAndVersion } from '../typed-name.ts';

export interface ModelscopeSpec {
  readonly repo: string;
  /** Branch, tag or commit; null for the repository's main branch. */
  readonly revision: string | null;
}

const repoPattern = /^[A-Za-z0-9_][\w.-]{0,95}\/[A-Za-z0-9_][\w.-]{0,127}$/;

export function parseModelscopeSpec(text: string): ModelscopeSpec {
  const { name: repo, version: asked } = nameAndVersion(text);
  if (!repoPattern.test(repo) || repo.includes('..'))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(repo)} is no repository of ModelScope; write modelscope/<owner>/<name>.`,
    );
  if (asked.length > 200 || asked.includes('..') || !/^[\w.+][\w.+/-]*$/.test(asked))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(asked)} is not a revision; write a branch, tag or commit.`,
    );
  return { repo, revision: asked === 'latest' ? null : asked };
}
