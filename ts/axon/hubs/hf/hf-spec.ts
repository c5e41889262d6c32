import { AxonError } from '../../axon-error.ts';
import { nameAndVersion } from '../typed-name.ts';

export interface HfSpec {
  readonly repo: string;
  /** As typed; null for none or `latest`. */
  readonly asked: string | null;
  /** Branch, tag, commit or refs/pr/N. `latest` means main. */
  readonly revision: string;
}

const repoPattern = /^(?:[A-Za-z0-9_][\w.-]*\/)?[A-Za-z0-9_][\w.-]{0,95}$/;

export function parseHfSpec(text: string): HfSpec {
  const { name: repo, version: asked } = nameAndVersion(text);
  if (!repoPattern.test(repo) || /--|\.\.|\.git$/.test(repo))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(repo)} is not a Hugging Face repository; write hf/<org>/<name> or hf/<name>.`,
    );
  if (asked === '' || asked.length > 200 || asked.includes('..') || !/^[\w.:+/-]+$/.test(asked))
    throw new AxonError(
      'INVALID_SPEC',
      `${JSON.stringify(asked)} is not a revision; write a branch, tag, commit or refs/pr/<n>.`,
    );
  // A branch that is really called latest is written rev:latest.
  const revision = asked === 'latest' ? 'main' : asked.replace(/^rev:/, '');
  return { repo, asked: asked === 'latest' ? null : revision, revision };
}
