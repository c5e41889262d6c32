import type { ByteSource } from '../bytes/byte-source.ts';
import { FormatError } from '../bytes/read-file.ts';
import { beginOf, openEntry, readZip, type ZipEntry } from '../bytes/zip.ts';
import { found, type Look, maxUnpacked, merged, type PickleFile } from './found.ts';
import { holdsObjects } from './numpy.ts';
import { isPickleName } from './pickle-names.ts';
import { scanPlain } from './plain-pickles.ts';
import type { PickleScan } from './scan-pickle.ts';

const maxPickles = 64;
const maxArrays = 10_000;

export interface ZipRules {
  /** A zip that nobody can read, or without a pickle, is not what it is called. */
  readonly isNamedSo: boolean;
  /** Whether one that cannot be read counts. */
  readonly isSuspect: boolean;
}

/** Of an archive every pickle in it. TorchScript has its program beside them, as text. */
export function inspectZip(
  bytes: ByteSource,
  name: string,
  { isNamedSo, isSuspect }: ZipRules,
  look: Look,
): PickleFile | null {
  let entries: readonly ZipEntry[];
  try {
    entries = [...readZip(bytes).values()];
  } catch (error) {
    return isSuspect ? found('zip', [], [`(not a readable archive: ${reasonOf(error)})`]) : null;
  }
  const isArray = ({ name: inner }: ZipEntry) => /\.npz$/i.test(name) || /\.npy$/i.test(inner);
  const plain = entries.filter((entry) => /\.(pkl|pickle)$/i.test(entry.name));
  const others = entries.filter((entry) => !plain.includes(entry) && isPickleName(entry.name));
  const arrays = entries.filter((entry) => !others.includes(entry) && isArray(entry));
  const count = plain.length + others.length;
  if (count > maxPickles || arrays.length > maxArrays)
    return found('zip', [], [`(${count} pickles and ${arrays.length} arrays)`]);
  const isScript = entries.some((entry) => /(^|\/)constants\.pkl$/.test(entry.name));
  const all = merged([
    plain.length === 0 ? null : pickles(bytes, plain, isScript ? 'torchscript' : 'zip'),
    ...others.map((entry) => opened(bytes, entry, look)),
    ...arrays.map((entry) => inspectArray(bytes, entry, look)),
  ]);
  return all ?? (isNamedSo ? found('zip', [], ['(an archive without a pickle)']) : null);
}

/** Judged together: what TorchScript may name is known by a file beside them. */
function pickles(
  bytes: ByteSource,
  entries: readonly ZipEntry[],
  kind: 'zip' | 'torchscript',
): PickleFile {
  const scans: PickleScan[] = [];
  const closed: string[] = [];
  for (const entry of entries)
    try {
      scans.push(...scanPlain(openEntry(bytes, entry, maxUnpacked)));
    } catch (error) {
      closed.push(`(${reasonOf(error)})`);
    }
  return found(kind, scans, closed);
}

function opened(bytes: ByteSource, entry: ZipEntry, look: Look): PickleFile | null {
  try {
    return look(openEntry(bytes, entry, maxUnpacked), entry.name);
  } catch (error) {
    return found('zip', [], [`(${reasonOf(error)})`]);
  }
}

/** Numbers may be gigabytes: of them only the beginning is looked at. */
function inspectArray(bytes: ByteSource, entry: ZipEntry, look: Look): PickleFile | null {
  try {
    if (!holdsObjects(beginOf(bytes, entry))) return null;
  } catch (error) {
    return found('zip', [], [`(${reasonOf(error)})`]);
  }
  return opened(bytes, entry, look);
}

function reasonOf(error: unknown): string {
  if (error instanceof FormatError || error instanceof RangeError) return error.message;
  throw error;
}
