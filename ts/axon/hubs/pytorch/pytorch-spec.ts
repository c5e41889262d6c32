import { AxonError } from '../../axon-error.ts';
import { nameAndVersion } from '../typed-name.ts';

export type PytorchSpec =
  | { readonly kind: 'vision'; readonly builder: string; readonly asked: string }
  | {
      readonly kind: 'repository';
      readonly repo: string;
      readonly entry: string;
      /** Branch, tag or commit; null for the default branch. */
      readonly ref: string | null;
    };

const ownerPattern = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/;
const repoPattern = /^[A-Za-z0-9_][\w.-]{0,99}$/;
const entryPattern = /^[A-Za-z][\w]{0,99}$/;

/** `vision/<builder>@<weights>`, or `<owner>/<repo>/<entry>@<ref>`. */
export function parsePytorchSpec(text: string): PytorchSpec {
  const { name, version: asked } = nameAndVersion(text);
  const parts = name.split('/');
  if (parts[0] === 'pytorch' && parts[1] === 'vision') parts.shift();
  const spec = parts.length === 2 ? vision(parts, asked) : repository(parts, asked);
  if (spec !== null) return spec;
  throw new AxonError(
    'INVALID_SPEC',
    `${JSON.stringify(name)} is nothing of PyTorch Hub; write pytorch/vision/<model> or pytorch/<owner>/<repo>/<entrypoint>.`,
  );
}

function vision([first, builder = '']: readonly string[], asked: string): PytorchSpec | null {
  if (first !== 'vision' || !entryPattern.test(builder)) return null;
  if (!/^\w{1,100}$/.test(asked)) throw badVersion(asked, 'the name or hash of weights');
  return { kind: 'vision', builder, asked };
}

function repository(parts: readonly string[], asked: string): PytorchSpec | null {
  const [owner = '', repo = '', entry = ''] = parts;
  const isOne = ownerPattern.test(owner) && repoPattern.test(repo) && entryPattern.test(entry);
  if (parts.length !== 3 || !isOne) return null;
  if (asked.length > 200 || asked.includes('..') || !/^[\w.+][\w.+/-]*$/.test(asked))
    throw badVersion(asked, 'a branch, tag or commit');
  return {
    kind: 'repository',
    repo: `${owner}/${repo}`,
    entry,
    ref: asked === 'latest' ? null : asked,
  };
}

function badVersion(asked: string, right: string): AxonError {
  return new AxonError('INVALID_SPEC', `${JSON.stringify(asked)} is not ${right}.`);
}
