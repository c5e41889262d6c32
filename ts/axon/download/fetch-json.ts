import { AxonError } from '../axon-error.ts';
import { type FollowRequest, follow } from './follow.ts';
import { type HttpResponse, readBody } from './http.ts';
import type { DownloadOptions } from './options.ts';
import { retryableFor, withRetries } from './retry.ts';

/** Metadata of one model; the largest registries' answers for one package stay below it. */
const maxJsonBytes = 64 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;

/** Says which AxonError a final status is; `body` is the beginning of what came with it. */
export type StatusError = (response: HttpResponse, body: string) => AxonError;

export interface JsonAnswer {
  readonly value: unknown;
  readonly response: HttpResponse;
}

/** Throws for an answer that is not 2xx: Retryable where another try may help, else the hub's error. */
export async function requireOk(response: HttpResponse, statusError: StatusError): Promise<void> {
  if (response.status >= 200 && response.status < 300) return;
  const retryable = retryableFor(response.url.host, response.status, response.headers);
  if (retryable !== null) {
    response.body.destroy();
    throw retryable;
  }
  const body = await readBody(response, maxErrorBytes);
  throw statusError(response, body?.toString('utf8') ?? '');
}

export function fetchJson(
  spec: FollowRequest & { readonly statusError: StatusError },
  options: DownloadOptions,
): Promise<JsonAnswer> {
  return withRetries(options, async () => {
    const response = await follow(
      { ...spec, headers: { accept: 'application/json', ...spec.headers } },
      options,
    );
    await requireOk(response, spec.statusError);
    const body = await readBody(response, maxJsonBytes);
    if (body === null)
      throw new AxonError(
        'BAD_RESPONSE',
        `${response.url.host} answered more than ${maxJsonBytes} bytes of JSON.`,
      );
    try {
      return { value: JSON.parse(body.toString('utf8')) as unknown, response };
    } catch (error) {
      throw new AxonError(
        'BAD_RESPONSE',
        `${response.url.host} did not answer JSON: ${beginning(body)}`,
        { cause: error },
      );
    }
  });
}

/** The first characters of an answer, for a message. */
export function beginning(body: Buffer): string {
  return JSON.stringify(body.subarray(0, 200).toString('utf8'));
}
