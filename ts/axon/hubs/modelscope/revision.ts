import { didYouMean } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import type { ModelscopeApi } from './modelscope-api.ts';
import type { ModelscopeSpec } from './modelscope-spec.ts';

const commitPattern = /^[0-9a-f]{40}$/;

interface Ref {
  readonly Revision?: unknown;
  readonly CommitId?: unknown;
}

/** Name → commit, where the list says it. */
type Refs = ReadonlyMap<string, string | null>;

/** The commit that is meant: everything else is asked for under it. */
export async function pinRevision(
  { repo, revision }: ModelscopeSpec,
  api: ModelscopeApi,
): Promise<string> {
  if (revision !== null && commitPattern.test(revision)) {
    if ((await commitOf(repo, revision, api)) === revision) return revision;
    throw new AxonError('NOT_FOUND', `${repo} has no commit ${revision}.`);
  }
  const { RevisionMap } = await api.ask(`${repo}/revisions`, repo);
  const map = (RevisionMap ?? {}) as { Branches?: unknown; Tags?: unknown };
  const refs: Refs = new Map([...readRefs(map.Tags), ...readRefs(map.Branches)]);
  const name = revision === null ? mainBranch(refs) : nameOf(revision, refs);
  if (!refs.has(name))
    throw new AxonError(
      'NOT_FOUND',
      `${repo} has no revision ${JSON.stringify(name)}.${didYouMean(name, refs.keys())} It has: ${[...refs.keys()].slice(0, 20).join(', ') || 'none'}.`,
    );
  const commit = await commitOf(repo, name, api);
  const listed = refs.get(name) ?? commit;
  if (commit === null || commit !== listed)
    throw new AxonError(
      'BAD_RESPONSE',
      `ModelScope does not agree with itself which commit ${name} of ${repo} is (${listed} and ${commit}). Try again, or name the commit.`,
    );
  return commit;
}

const mainBranch = (refs: Refs) => (refs.has('master') ? 'master' : 'main');

/** Who writes the main branch's name as the other hubs have it means the main branch. */
function nameOf(revision: string, refs: Refs): string {
  const isMain = revision === 'main' || revision === 'master';
  return isMain && !refs.has(revision) ? mainBranch(refs) : revision;
}

/** The hub answers the main branch's commit for a parameter that it does not know, so spelling matters. */
async function commitOf(repo: string, ref: string, api: ModelscopeApi): Promise<string | null> {
  const { Commit } = await api.ask(
    `${repo}/commits?Ref=${encodeURIComponent(ref)}&PageSize=1`,
    repo,
  );
  const [newest] = Array.isArray(Commit) ? (Commit as readonly ({ Id?: unknown } | null)[]) : [];
  const id = newest?.Id;
  return typeof id === 'string' && commitPattern.test(id) ? id : null;
}

function readRefs(value: unknown): [string, string | null][] {
  if (!Array.isArray(value)) return [];
  return (value as readonly (Ref | null)[]).flatMap((ref): [string, string | null][] => {
    const { Revision, CommitId } = ref ?? {};
    if (typeof Revision !== 'string') return [];
    return [
      [Revision, typeof CommitId === 'string' && commitPattern.test(CommitId) ? CommitId : null],
    ];
  });
}
