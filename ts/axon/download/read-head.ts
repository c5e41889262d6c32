import { refuseOther } from './answer.ts';
import type { FileRequest } from './fetch-file.ts';
import { requireOk } from './fetch-json.ts';
import { follow } from './follow.ts';
import { asRetryable, type HttpResponse } from './http.ts';
import type { DownloadOptions } from './options.ts';
import { withRetries } from './retry.ts';

/** Gives the first bytes of a file to `take`, up to `most`; no more of them come than it takes. */
export function readHead<T>(
  file: Omit<FileRequest, 'dest'>,
  most: number,
  take: (bytes: AsyncIterable<Buffer>) => Promise<T>,
  options: DownloadOptions,
): Promise<T> {
  return withRetries(options, async () => {
    const headers = { ...file.headers, range: `bytes=0-${most - 1}` };
    const response = await follow({ ...file, headers }, options);
    try {
      await requireOk(response, file.statusError);
      await refuseOther(response, { ...file, dest: '' });
      return await take(bodyOf(response));
    } finally {
      response.body.destroy();
    }
  });
}

async function* bodyOf(response: HttpResponse): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response.body) yield chunk as Buffer;
  } catch (error) {
    throw asRetryable(error, response.url);
  }
}
