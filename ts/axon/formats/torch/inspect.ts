import path from 'node:path';
import type { ByteSource } from '../bytes/byte-source.ts';
import { FileWindow } from '../bytes/file-window.ts';
import { FormatError } from '../bytes/read-file.ts';
import { openEntry, readZip, type ZipEntry } from '../bytes/zip.ts';
import { formatOf } from '../file-kinds.ts';
import { isTensorName } from './allowed-names.ts';
import { type PickleScan, scanPickle } from './scan-pickle.ts';

/** What loading a pickle could do, as far as its names say. */
export interface PickleFile {
  readonly kind: 'zip' | 'torchscript' | 'pickle' | 'tar';
  /** Names that are not on the list of what tensors need, and what could not be followed. */
  readonly suspicious: readonly string[];
  readonly storages: PickleScan['storages'];
  readonly pickles: number;
}

const maxUnpacked = 64 * 1024 * 1024;
const maxPickles = 64;
/** The first pickle of a file that PyTorch wrote before 1.6: a number, 0x1950a86a20f9469cfc6c. */
const legacyMagic = '6cfc9c46f9206aa85019';
const legacyPickles = 5;

const pickleName = /\.(pt|pth|ckpt|pkl|pickle|joblib|dill|ptl)$/i;
/** Names as Python imports them, and what stands for one that cannot be followed. */
const plausible = /^[\w$]+(\.[\w$]+)+$|^\(/;

/** What is known of a file as a pickle, or null for one that is none: by name, and by how it begins. */
export function inspectPickle(file: string): PickleFile | null {
  const window = new FileWindow(file);
  try {
    const name = path.basename(file);
    return inspect(window, pickleName.test(name) || formatOf(name) === 'pytorch');
  } finally {
    window.close();
  }
}

function inspect(bytes: ByteSource, isNamedSo: boolean): PickleFile | null {
  const head = Buffer.from(bytes.read(0, Math.min(bytes.size, 512)));
  if (head.toString('latin1', 0, 4) === 'PK\x03\x04') return inspectZip(bytes, isNamedSo);
  if (isTar(head))
    return isNamedSo ? found('tar', [], ['(a tar archive, which is not looked into)']) : null;
  const begins = head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 9) <= 5;
  if (!isNamedSo && !begins) return null;
  const scans = inspectPlain(bytes);
  // Other files begin with these two bytes by chance. One that names nothing does no harm.
  const names = scans.flatMap((scan) => [...scan.names]);
  return isNamedSo || names.some((name) => plausible.test(name))
    ? found('pickle', scans, [])
    : null;
}

/** By its mark, or by its sum alone: what Python takes for a tar may be made to look like a pickle too. */
function isTar(head: Buffer): boolean {
  if (head.length < 512) return false;
  if (head.toString('latin1', 257, 262) === 'ustar') return true;
  const stated = Number.parseInt(
    head
      .toString('latin1', 148, 156)
      .replace(/[\0 ]+$/, '')
      .trim(),
    8,
  );
  const sum = head.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return stated === sum;
}

function found(
  kind: PickleFile['kind'],
  scans: readonly PickleScan[],
  more: readonly string[],
): PickleFile {
  const names = new Set(scans.flatMap((scan) => [...scan.names]));
  const isHarmless = (name: string) =>
    isTensorName(name) || (kind === 'torchscript' && /^__torch__\.[\w.$]+$/.test(name));
  const broken = scans.flatMap(({ broken: why }) => (why === null ? [] : [`(breaks off: ${why})`]));
  return {
    kind,
    suspicious: [...[...names].filter((name) => !isHarmless(name)).sort(), ...broken, ...more],
    storages: new Map(scans.flatMap((scan) => [...scan.storages])),
    pickles: scans.length,
  };
}

function inspectPlain(bytes: ByteSource): PickleScan[] {
  const first = scanPickle(bytes);
  const isLegacy = first.result.kind === 'bytes' && first.result.hex === legacyMagic;
  const scans = [first];
  for (let at = first.end; isLegacy && scans.length < legacyPickles; ) {
    const next = scanPickle(bytes, at);
    scans.push(next);
    if (next.broken !== null) break;
    at = next.end;
  }
  return scans;
}

/** Of an archive every pickle in it. TorchScript has its program beside them, as text. */
function inspectZip(bytes: ByteSource, isNamedSo: boolean): PickleFile | null {
  let entries: readonly ZipEntry[];
  try {
    entries = [...readZip(bytes).values()];
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof RangeError)) throw error;
    return isNamedSo ? found('zip', [], [`(not a readable archive: ${error.message})`]) : null;
  }
  const pickles = entries.filter((entry) => /\.(pkl|pickle)$/i.test(entry.name));
  if (pickles.length === 0)
    return isNamedSo ? found('zip', [], ['(an archive without a pickle)']) : null;
  if (pickles.length > maxPickles) return found('zip', [], [`(${pickles.length} pickles)`]);
  const isScript = entries.some((entry) => /(^|\/)constants\.pkl$/.test(entry.name));
  const scans = pickles.map((entry) => scanEntry(bytes, entry));
  return found(isScript ? 'torchscript' : 'zip', scans, []);
}

function scanEntry(bytes: ByteSource, entry: ZipEntry): PickleScan {
  try {
    return scanPickle(openEntry(bytes, entry, maxUnpacked));
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof RangeError)) throw error;
    const nothing = { names: new Set<string>(), storages: new Map() };
    return { ...nothing, result: { kind: 'other' }, end: 0, broken: error.message };
  }
}
