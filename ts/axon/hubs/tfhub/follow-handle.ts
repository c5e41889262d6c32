import { limits } from '../../../protocol/limits.ts';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { requireOk } from '../../download/fetch-json.ts';
import { parseHttpUrl } from '../../download/follow.ts';
import { header, request } from '../../download/http.ts';
import { withRetries } from '../../download/retry.ts';
import { type KaggleSpec, parseKaggleSpec } from '../kaggle/kaggle-spec.ts';
import { httpStatusError } from '../status-error.ts';

/**
 * Where a handle is today. TensorFlow Hub redirects browsers to Kaggle's page of the same model, under
 * another number: only that redirect knows it. Handles that were not moved lead to the page of all models.
 */
export async function followHandle(handle: string, context: Context): Promise<KaggleSpec> {
  const endpoint = (context.env['AXON_TFHUB_ENDPOINT'] || 'https://tfhub.dev').replace(/\/+$/, '');
  const { origin } = parseHttpUrl(endpoint);
  let url = new URL(`${endpoint}/${handle}`);
  for (let hop = 0; hop <= limits.redirects && url.origin === origin; hop++) {
    const location = await redirectOf(url, handle, context);
    const next = new URL(location, url);
    const path = /^\/models\/([^/]+\/[^/]+\/[^/]+\/[^/]+(?:\/\d+)?)\/?$/.exec(next.pathname)?.[1];
    if (path !== undefined) return parseKaggleSpec(decodeURIComponent(path));
    if (/^\/models\/?$/.test(next.pathname))
      throw new AxonError(
        'NOT_FOUND',
        `TensorFlow Hub has no ${handle} any more: it was not moved to Kaggle. \`axon search\` may find it elsewhere.`,
      );
    url = next;
  }
  throw new AxonError(
    'BAD_RESPONSE',
    `${new URL(origin).host} does not lead from ${handle} to a model of Kaggle but to ${url.href.slice(0, 200)}.`,
  );
}

function redirectOf(url: URL, handle: string, { download }: Context): Promise<string> {
  return withRetries(download, async () => {
    const { stallMs, signal, proxyFor } = download;
    const response = await request({ url, stallMs, signal, proxyFor });
    try {
      const location = header(response, 'location');
      if (location !== null && response.status >= 300 && response.status < 400) return location;
      await requireOk(response, httpStatusError(handle));
      throw new AxonError(
        'BAD_RESPONSE',
        `${url.host} answered a page for ${handle} where a redirect to Kaggle was expected. Is there a login page or proxy in between?`,
      );
    } finally {
      response.body.destroy();
    }
  });
}
