import type { ByteSource } from '../bytes/byte-source.ts';
import { isTensorName } from './allowed-names.ts';
import type { PickleScan } from './scan-pickle.ts';

/** What loading a pickle could do, as far as its names say. */
export interface PickleFile {
  readonly kind: 'zip' | 'torchscript' | 'pickle' | 'tar';
  /** Names that are not on the list of what tensors need, and what could not be followed. */
  readonly suspicious: readonly string[];
  readonly storages: PickleScan['storages'];
  readonly pickles: number;
}

/** Largest content that is unpacked to be looked into. */
export const maxUnpacked = 64 * 1024 * 1024;

/** How the bytes of a file in a file are looked into. */
export type Look = (bytes: ByteSource, name: string) => PickleFile | null;

export function found(
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

/** One answer for all that is in a file, or null where nothing is. */
export function merged(all: readonly (PickleFile | null)[]): PickleFile | null {
  const files = all.filter((file) => file !== null);
  const [first] = files;
  if (first === undefined || files.length === 1) return first ?? null;
  return {
    kind: first.kind,
    suspicious: [...new Set(files.flatMap((file) => file.suspicious))],
    storages: new Map(files.flatMap((file) => [...file.storages])),
    pickles: files.reduce((sum, file) => sum + file.pickles, 0),
  };
}
