import fs from 'node:fs';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import { fetchOne } from '../../download/fetch-all.ts';
import type { FileRequest } from '../../download/fetch-file.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { verifiedBy } from '../../download/verified-by.ts';
import { NameGuard } from '../../package/names.ts';
import { readArchive } from '../../package/read-archive.ts';
import { replaceFile } from '../../package/write-file.ts';
import type { HubFile } from '../hub.ts';

/** Fetches the archive of all files and takes out of it those wanted; every name in it is looked at. */
export async function unpackArchive(
  archive: FileRequest,
  files: readonly HubFile[],
  into: string,
  download: DownloadOptions,
  signal: AbortSignal,
): Promise<readonly ManifestFile[]> {
  const { label, dest, expected } = archive;
  await fetchOne(archive, download);
  requireArchive(dest, label);
  const sizes = new Map(files.map((file) => [file.path, file.size]));
  const guard = new NameGuard(label);
  const done: ManifestFile[] = [];
  await readArchive(
    dest,
    label,
    async ({ name, size, body }) => {
      const inner = name.replace(/^(\.\/)+/, '');
      guard.add(inner, size);
      const stated = sizes.get(inner);
      if (stated === undefined) return;
      const written = await replaceFile(into, inner, body);
      if (stated !== null && stated !== written.size)
        throw new AxonError(
          'BAD_RESPONSE',
          `${label}: ${JSON.stringify(inner)} has ${written.size} bytes, the list says ${stated}.`,
        );
      done.push({
        path: inner,
        size: written.size,
        sha256: written.sha256,
        verified_by: verifiedBy(expected),
      });
    },
    signal,
  );
  const missing = files.filter((file) => !done.some(({ path }) => path === file.path));
  if (missing.length > 0)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label} lacks ${missing
        .slice(0, 5)
        .map((file) => JSON.stringify(file.path))
        .join(', ')}, which the list has. Nothing was installed.`,
    );
  return done;
}

function requireArchive(file: string, label: string): void {
  const fd = fs.openSync(file, 'r');
  const head = Buffer.alloc(4);
  fs.readSync(fd, head, 0, head.length, 0);
  fs.closeSync(fd);
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  if (isGzip || head.toString('latin1').startsWith('PK')) return;
  fs.rmSync(file);
  throw new AxonError(
    'BAD_RESPONSE',
    `The ${label} is neither a tar.gz nor a zip; is there a login page or proxy in between?`,
  );
}
