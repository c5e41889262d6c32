import process from 'node:process';
import { fetchFile } from '../../axon/download/fetch-file.ts';
import { Slots } from '../../axon/download/slots.ts';
import { noProgress } from '../../axon/render/progress.ts';

/*
 * The downloader as a program, to be killed on the way:
 *   node dist/testing/axon/fetch-program.js '{"url":…,"dest":…,"size":…,"sha256":…,"ranges":…,"maxRetries":…}'
 */
export interface FetchQuestion {
  readonly url: string;
  readonly dest: string;
  readonly size: number;
  readonly sha256: string;
  readonly ranges: { readonly from: number; readonly piece: number };
  readonly maxRetries: number;
}

export function fetchWith(
  { url, dest, size, sha256, ranges, maxRetries }: FetchQuestion,
  signal: AbortSignal,
): ReturnType<typeof fetchFile> {
  return fetchFile(
    {
      url,
      dest,
      label: 'file',
      size,
      maxBytes: size,
      expected: { algorithm: 'sha256', hex: sha256 },
      statusError: ({ status }) => {
        throw new Error(`the server answered ${status}`);
      },
    },
    {
      maxRetries,
      retryWaitMs: 1,
      stallMs: 30_000,
      connections: new Slots(4),
      ranges,
      progress: noProgress,
      note: () => undefined,
      signal,
      proxyFor: () => null,
    },
  );
}

const [, program = '', question] = process.argv;
if (program.endsWith('fetch-program.js') && question !== undefined)
  await fetchWith(JSON.parse(question) as FetchQuestion, new AbortController().signal);
