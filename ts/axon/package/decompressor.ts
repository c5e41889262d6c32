import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** Takes compressed bytes and gives plain ones; knows how many it took. */
export type Decompressor = Transform & { readonly bytesWritten: number };

/** Node reads Zstandard from 22.15 on; there is none to borrow on an older one. */
const { createZstdDecompress } = zlib as typeof zlib & {
  readonly createZstdDecompress?: () => Decompressor;
};

export const readsZstd = createZstdDecompress !== undefined;

export const noZstd = `it is compressed with zstd, which Node 22.15 and newer read, and this is Node ${process.versions.node}`;

/** RFC 1952, 2.3.1, and RFC 8878, 3.1.1. */
const gzipMagic = Buffer.from([0x1f, 0x8b]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export const magicBytes = zstdMagic.length;

export function isCompressed(head: Buffer): boolean {
  return [gzipMagic, zstdMagic].some((magic) => head.subarray(0, magic.length).equals(magic));
}

/**
 * What unpacks a file that begins with `head`, by its bytes: names of archives are often wrong. Null for
 * what is not compressed.
 * @throws Error where it is compressed with zstd and this Node does not read that
 */
export function decompressorFor(head: Buffer): (() => Decompressor) | null {
  if (head.subarray(0, gzipMagic.length).equals(gzipMagic)) return () => zlib.createGunzip();
  if (!head.equals(zstdMagic)) return null;
  if (createZstdDecompress === undefined) throw new Error(noZstd);
  return createZstdDecompress;
}
