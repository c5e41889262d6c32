import { existsSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';

/**
 * LMDB maps its file and trusts it: one that is no LMDB file, or was cut short, ends the process with
 * a signal. So its two meta pages are looked at first. Offsets are those of LMDB's `MDB_meta` (data
 * version 2, 64 bit) behind a page header of 24 bytes.
 */
const header = 24;
const magic = 0xbeefc0de;
const version = 2;
const offsets = {
  magic: 0,
  version: 4,
  pageSize: 24,
  freeRoot: 64,
  mainRoot: 112,
  transaction: 128,
} as const;
/** The root of an empty tree. */
const noPage = 2n ** 64n - 1n;
const metaBytes = 136;
const smallestPage = 512;
const largestPage = 65_536;

interface Meta {
  readonly pageSize: number;
  /** Page numbers of the two trees' roots. */
  readonly roots: readonly bigint[];
  readonly transaction: bigint;
}

/** A meta page, or null where it is none. LMDB itself lives with one that is torn. */
function readMeta(bytes: Buffer): Meta | null {
  if (bytes.byteLength < header + metaBytes) return null;
  const at = (offset: number) => header + offset;
  if (bytes.readUInt32LE(at(offsets.magic)) !== magic) return null;
  if (bytes.readUInt32LE(at(offsets.version)) !== version) return null;
  const pageSize = bytes.readUInt32LE(at(offsets.pageSize));
  if (pageSize < smallestPage || pageSize > largestPage) return null;
  return {
    pageSize,
    roots: [offsets.freeRoot, offsets.mainRoot].map((offset) => bytes.readBigUInt64LE(at(offset))),
    transaction: bytes.readBigUInt64LE(at(offsets.transaction)),
  };
}

function corrupted(file: string, why: string): MlosError {
  return new MlosError(
    'DATA_CORRUPTED',
    `The registry file ${file} ${why}. Put a copy of it back, or move it away to begin with an empty registry.`,
  );
}

/** What LMDB writes through mappings of new files; without it the kernel answers with SIGBUS. */
const newStoreBytes = 256 * 1024;

/** Throws STORAGE_FULL where a registry would have to be made and there is no room for one. */
export async function checkRoom(folder: string): Promise<void> {
  const files = ['data.mdb', 'lock.mdb'].map((name) => join(folder, 'registry', name));
  if (files.every((file) => existsSync(file))) return;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= newStoreBytes) return;
  throw new MlosError(
    'STORAGE_FULL',
    `There is no room for a registry in ${folder}: ${newStoreBytes / 1024} KiB are needed.`,
  );
}

/** Throws DATA_CORRUPTED unless the registry's file is absent, empty, or an LMDB file with its roots. */
export async function checkStoreFile(folder: string): Promise<void> {
  const file = join(folder, 'registry', 'data.mdb');
  if (!existsSync(file)) return;
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size === 0) return;
    const page = Buffer.alloc(header + metaBytes);
    const { bytesRead } = await handle.read(page, 0, page.byteLength, 0);
    const first = readMeta(page.subarray(0, bytesRead));
    if (first === null) throw corrupted(file, 'is not a registry');
    const other = await handle.read(page, 0, page.byteLength, first.pageSize);
    const second = readMeta(page.subarray(0, other.bytesRead));
    const newest = second !== null && second.transaction > first.transaction ? second : first;
    const pages = BigInt(size) / BigInt(newest.pageSize);
    if (newest.roots.some((root) => root !== noPage && root >= pages)) {
      throw corrupted(file, `is cut short: its ${size} bytes end before what it points to`);
    }
  } finally {
    await handle.close();
  }
}
