import type { ManifestFile } from '../../protocol/manifest.ts';
import { type FetchedBytes, type FileRequest, fetchFile } from './fetch-file.ts';
import { inParallel } from './in-parallel.ts';
import type { DownloadOptions } from './options.ts';
import { verifiedBy } from './verified-by.ts';

/** A file of a package: its name there, and where it comes from. */
export interface PackageRequest extends FileRequest {
  readonly path: string;
}

/** Several files at once, all of them whole and verified, or an error; the answers in the order asked. */
export async function fetchAll(
  requests: readonly PackageRequest[],
  options: DownloadOptions,
): Promise<readonly ManifestFile[]> {
  options.progress.plan(requests.map(({ size }) => size));
  const { connections, signal } = options;
  const large = requests.filter(({ size }) => (size ?? 0) > options.ranges.from).length;
  // Where the large files alone fill the connections, ranges would only add seeks and requests.
  const ranges = large < connections.count ? options.ranges : { ...options.ranges, from: Infinity };
  return inParallel(requests, { count: connections.count, signal }, async (request, stop) => {
    const { sha256, size } = await fetchFile(request, { ...options, ranges, signal: stop });
    return { path: request.path, size, sha256, verified_by: verifiedBy(request.expected) };
  });
}

/** A file that is all that comes. */
export function fetchOne(file: FileRequest, options: DownloadOptions): Promise<FetchedBytes> {
  options.progress.plan([file.size]);
  return fetchFile(file, options);
}
