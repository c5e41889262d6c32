import fs from 'node:fs';
import path from 'node:path';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import type { Context } from '../../context.ts';
import { replaceFile } from '../../package/write-file.ts';
import type { FileProgress } from '../../render/progress.ts';
import type { HubFile } from '../hub.ts';

/** Copies files of this machine and hashes what is copied. */
export async function copyFiles(
  root: string,
  files: readonly HubFile[],
  into: string,
  { output, signal }: Context,
): Promise<ManifestFile[]> {
  const done: ManifestFile[] = [];
  output.progress.plan(files.map(({ size }) => size));
  for (const { path: name, size } of files) {
    const shown = output.progress.file(name, size);
    const body = fs.createReadStream(path.join(root, name), { signal, highWaterMark: 1 << 20 });
    const { sha256, size: bytes } = await replaceFile(into, name, counted(body, shown));
    done.push({ path: name, size: bytes, sha256, verified_by: 'local' });
  }
  return done;
}

async function* counted(body: fs.ReadStream, shown: FileProgress): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) {
      shown.at(body.bytesRead);
      yield chunk as Buffer;
    }
    shown.end(true);
  } finally {
    shown.end(false);
  }
}
