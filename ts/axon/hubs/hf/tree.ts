import { AxonError } from '../../axon-error.ts';
import { type HttpResponse, header } from '../../download/http.ts';
import type { ExpectedHash } from '../../download/options.ts';
import type { HubFile } from '../hub.ts';

interface Entry {
  readonly type?: unknown;
  readonly path?: unknown;
  readonly size?: unknown;
  readonly oid?: unknown;
  readonly lfs?: { readonly oid?: unknown; readonly size?: unknown } | null;
}

/** One page of a repository's list. An LFS file's own `oid` is that of its pointer, so `lfs.oid` counts. */
export function readTree(value: unknown, repo: string): HubFile[] {
  if (!Array.isArray(value)) throw malformed(repo);
  return (value as readonly (Entry | null)[])
    .filter((entry) => entry?.type === 'file')
    .map((entry): HubFile => {
      const { path, size } = entry ?? {};
      const bytes = entry?.lfs?.size ?? size;
      if (
        typeof path !== 'string' ||
        typeof bytes !== 'number' ||
        !Number.isSafeInteger(bytes) ||
        bytes < 0
      )
        throw malformed(repo);
      return { path, size: bytes, expected: hashOf(entry ?? {}, repo) };
    });
}

function hashOf({ oid, lfs }: Entry, repo: string): ExpectedHash {
  if (lfs !== undefined && lfs !== null) {
    if (typeof lfs.oid === 'string' && /^[0-9a-f]{64}$/.test(lfs.oid))
      return { algorithm: 'sha256', hex: lfs.oid };
  } else if (typeof oid === 'string' && /^[0-9a-f]{40}$/.test(oid))
    return { algorithm: 'git-sha1', hex: oid };
  throw malformed(repo);
}

function malformed(repo: string): AxonError {
  return new AxonError(
    'BAD_RESPONSE',
    `The hub's file list of ${repo} is malformed: a path, size or hash is missing.`,
  );
}

/**
 * The next page, if there is one; it must be of the same list. Mirrors hand out the address of the hub that
 * they mirror, so only its query is taken.
 */
export function nextPage(response: HttpResponse, first: string): string | null {
  const link = header(response, 'link') ?? '';
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link)?.[1];
  if (target === undefined) return null;
  const next = new URL(target, response.url);
  const list = new URL(first);
  if (!list.pathname.endsWith(next.pathname))
    throw new AxonError(
      'BAD_RESPONSE',
      `The hub's file list goes on elsewhere: ${next.href.slice(0, 200)}.`,
    );
  return list.origin + list.pathname + next.search;
}
