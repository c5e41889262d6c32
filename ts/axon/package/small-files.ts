import { foldedPath, type ManifestFile } from '../../protocol/manifest.ts';
import { formatOf } from '../formats/file-kinds.ts';

/*
 * Which files an archive holds compressed. `tokenizer.json` then is the member `tokenizer.json.gz`, so
 * `tar xf net.axon && gunzip -r .` gives the package by common tools. The compressor is a library in plain
 * JavaScript: zlib's output depends on its version and on the processor, this one's does not.
 */
const smallest = 1024;
const largest = 16 * 1024 * 1024;
const text =
  /\.(json|jsonl|txt|md|ya?ml|jinja|py|csv|tsv|xml|html|tiktoken|vocab|bpe|proto|pbtxt|cfg|ini|toml)$|(^|\/)(LICEN[CS]E|NOTICE|USE_POLICY|COPYING|README)[^/]*$/i;

export const packedEnding = '.gz';

/** Paths of those that are worth it, by kind and size only: what it gains is seen when it is done. */
export function compressible(files: readonly ManifestFile[]): ReadonlySet<string> {
  const taken = new Set(files.map((file) => foldedPath(file.path)));
  return new Set(
    files
      .filter(({ path, size }) => size >= smallest && size <= largest && text.test(path))
      .map(({ path }) => path)
      .filter((path) => formatOf(path) === null && !taken.has(foldedPath(path + packedEnding))),
  );
}

/** The compressed bytes, or null where they are hardly fewer. The same bytes on every machine. */
export async function compressed(bytes: Buffer): Promise<Uint8Array | null> {
  const { gzipSync } = await import('fflate');
  const packed = gzipSync(bytes, { level: 9, mtime: 0 });
  return packed.length <= bytes.length * 0.9 ? packed : null;
}
