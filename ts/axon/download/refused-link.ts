import { AxonError } from '../axon-error.ts';
import type { FileRequest } from './fetch-file.ts';
import { type HttpResponse, readBody } from './http.ts';
import { Retryable } from './retry.ts';

const mostRenewals = 2;

/**
 * A content network that answers 403 does not take the signed link that the hub gave: it may have run
 * out, and the hub gives a new one. Where new ones are refused too, no further try helps.
 */
export async function refusedLink(
  response: HttpResponse,
  file: FileRequest,
  times: number,
): Promise<Error> {
  const { host } = response.url;
  if (times <= mostRenewals) {
    response.body.destroy();
    return new Retryable(`${host} answered 403 (an expired link?)`);
  }
  const body = (await readBody(response, 64 * 1024))?.toString('utf8') ?? '';
  const code = /<Code>([\w.]{1,80})<\/Code>/.exec(body)?.[1];
  if (code === undefined) return file.statusError(response, body);
  return new AxonError(
    'BAD_RESPONSE',
    `${host} refuses each link that ${new URL(file.url).host} gives for ${file.label} (403, ${code}). That is for the hub to mend; try again later.`,
  );
}
