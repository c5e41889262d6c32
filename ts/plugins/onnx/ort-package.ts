import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';

/** The installed onnxruntime-node, looked at without loading it. */
const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');

/** Version of the runtime in it. */
export function ortVersion(): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/**
 * Path of the libonnxruntime that onnxruntime-node itself loads: there is one copy of it in a process,
 * whoever uses it. Throws UNIMPLEMENTED where the package has none for this platform.
 */
export function ortLibrary(): string {
  const bin = join(dirname(manifest), 'bin');
  const kinds = existsSync(bin) ? readdirSync(bin) : [];
  for (const kind of kinds) {
    const file = join(bin, kind, process.platform, process.arch, 'libonnxruntime.so.1');
    if (existsSync(file)) return file;
  }
  throw new MlosError(
    'UNIMPLEMENTED',
    `onnxruntime-node ${ortVersion()} has no libonnxruntime for ${process.platform} on ${process.arch}.`,
  );
}
