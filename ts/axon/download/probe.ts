import { requireOk, type StatusError } from './fetch-json.ts';
import { type FollowRequest, follow } from './follow.ts';
import { type HttpResponse, header } from './http.ts';
import type { DownloadOptions } from './options.ts';
import { Retryable, withRetries } from './retry.ts';

export interface Probed {
  readonly size: number | null;
  /** The last answer of the chain; its body is not read. */
  readonly response: HttpResponse;
}

/** Asks for a file's first byte: its size, and the hashes that some stores put in their headers. */
export function probe(
  spec: FollowRequest & { readonly statusError: StatusError },
  options: DownloadOptions,
): Promise<Probed> {
  return withRetries(options, async () => {
    const headers = { ...spec.headers, range: 'bytes=0-0' };
    const response = await follow({ ...spec, headers }, options);
    try {
      // A signed address that has run out: asking again gives a new one.
      if (response.status === 403 && response.url.origin !== new URL(spec.url).origin)
        throw new Retryable(`${response.url.host} answered 403 (an expired link?)`);
      // An empty file has no first byte.
      if (response.status !== 416) await requireOk(response, spec.statusError);
      return { size: sizeOf(response), response };
    } finally {
      response.body.destroy();
    }
  });
}

/** Null for what is no file: the download itself says what is wrong then. */
function sizeOf(response: HttpResponse): number | null {
  const range = /^bytes (?:\*|\d+-\d+)\/(\d+)$/.exec(header(response, 'content-range') ?? '');
  const length = response.status === 200 ? header(response, 'content-length') : null;
  const size = Number(range?.[1] ?? length ?? Number.NaN);
  const isPage = /^(text\/html|application\/(xhtml|xml|json)|text\/xml)/i.test(
    header(response, 'content-type') ?? '',
  );
  return isPage || !Number.isSafeInteger(size) || size < 0 ? null : size;
}
