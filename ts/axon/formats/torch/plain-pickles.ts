import type { ByteSource } from '../bytes/byte-source.ts';
import { type PickleScan, scanPickle } from './scan-pickle.ts';

/** The first pickle of a file that PyTorch wrote before 1.6: a number, 0x1950a86a20f9469cfc6c. */
const legacyMagic = '6cfc9c46f9206aa85019';
const legacyPickles = 5;
const maxPickles = 64;
/** Names as Python imports them, and what stands for one that cannot be followed. */
const plausible = /^[^\s.\p{Cc}\uFFFD]+(\.[^\s.\p{Cc}\uFFFD]+)+$|^\(a name/u;

/** The pickles that stand one after another: their loader may go on after the first. */
export function scanPlain(bytes: ByteSource, start = 0): PickleScan[] {
  const first = scanPickle(bytes, start);
  const isLegacy = first.result.kind === 'bytes' && first.result.hex === legacyMagic;
  const scans = [first];
  // In old files of PyTorch numbers follow the fifth.
  const goesOn = ({ ending, end }: PickleScan) =>
    ending === 'stop' && (isLegacy ? scans.length < legacyPickles : end < bytes.size);
  for (let last = first; goesOn(last); ) {
    if (scans.length === maxPickles)
      return [...scans, { ...last, ending: 'limit', broken: `more than ${maxPickles} pickles` }];
    last = scanPickle(bytes, last.end);
    // What stands behind the last one need not be a pickle.
    if (isLegacy || last.ending === 'stop' || isPickle([last])) scans.push(last);
  }
  return scans;
}

/**
 * Whether bytes that nobody calls a pickle are one: they import what has a name that could be one, and use it. Others
 * begin as one by chance, and end soon.
 */
export function isPickle(scans: readonly PickleScan[], isMarked = false): boolean {
  return scans.some(
    ({ names, ending, calls }) =>
      ending === 'limit' ||
      ((isMarked || ending === 'stop' || calls) && [...names].some((name) => plausible.test(name))),
  );
}
