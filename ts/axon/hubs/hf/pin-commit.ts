import { didYouMean } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import { askApi, type HfConnection } from './hf-api.ts';
import { isNoRevision } from './hf-errors.ts';
import type { HfSpec } from './hf-spec.ts';

const commitPattern = /^[0-9a-f]{40}$/;

export interface PinnedRepo {
  /** The canonical id: that asked for may be a former one. */
  readonly id: string;
  readonly commit: string;
  /** Whether files may be refused although the list is shown. */
  readonly isGated: boolean;
  /** What the hub said. */
  readonly about: unknown;
}

export async function pinCommit(spec: HfSpec, connection: HfConnection): Promise<PinnedRepo> {
  const { endpoint } = connection;
  const url = `${endpoint}/api/models/${spec.repo}/revision/${encodeURIComponent(spec.revision)}`;
  const about = await askRevision(url, spec, connection);
  const { id, sha, gated } = about as { id?: unknown; sha?: unknown; gated?: unknown };
  const isCommit = typeof sha === 'string' && commitPattern.test(sha);
  if (!isCommit || typeof id !== 'string' || !/^[\w.-]+(\/[\w.-]+)?$/.test(id))
    throw new AxonError(
      'BAD_RESPONSE',
      `${endpoint} did not say which commit ${spec.repo}@${spec.revision} is.`,
    );
  if (commitPattern.test(spec.revision) && sha !== spec.revision)
    throw new AxonError(
      'BAD_RESPONSE',
      `${endpoint} answered commit ${sha} where ${spec.revision} was asked for.`,
    );
  return { id, commit: sha, isGated: Boolean(gated), about };
}

async function askRevision(url: string, spec: HfSpec, connection: HfConnection): Promise<object> {
  try {
    const { value } = await askApi(connection, url, spec.repo);
    return typeof value === 'object' && value !== null ? value : {};
  } catch (error) {
    if (!isNoRevision(error)) throw error;
    const names = await refsOf(spec.repo, connection);
    throw new AxonError(
      'NOT_FOUND',
      `${spec.repo} has no revision ${JSON.stringify(spec.revision)}.${didYouMean(spec.revision, names)} It has: ${names.slice(0, 20).join(', ') || 'none'}.`,
      { cause: error },
    );
  }
}

async function refsOf(repo: string, connection: HfConnection): Promise<readonly string[]> {
  const { value } = await askApi(
    connection,
    `${connection.endpoint}/api/models/${repo}/refs`,
    repo,
  );
  const { branches, tags } = (value ?? {}) as { branches?: unknown; tags?: unknown };
  return [branches, tags].flatMap((list) =>
    (Array.isArray(list) ? (list as readonly ({ name?: unknown } | null)[]) : []).flatMap((ref) =>
      typeof ref?.name === 'string' ? [ref.name] : [],
    ),
  );
}
