import path from 'node:path';
import type { ByteSource } from '../bytes/byte-source.ts';
import { FileWindow } from '../bytes/file-window.ts';
import { zipsIn } from '../bytes/zip.ts';
import { formatOf } from '../file-kinds.ts';
import { found, type Look, merged, type PickleFile } from './found.ts';
import { contentOf, headerBytes, holdsObjects, isNumpy, saysObjects } from './numpy.ts';
import { inspectPacked, isPacked } from './packed-pickles.ts';
import { isArchiveName, isPickleName, isTextName } from './pickle-names.ts';
import { isPickle, scanPlain } from './plain-pickles.ts';
import { inspectTar, isTar } from './tar-pickles.ts';
import { inspectZip } from './zip-pickles.ts';

const maxDepth = 3;

/** What is known of a file as a pickle, or null for one that is none: by name, and by its bytes. */
export function inspectPickle(file: string): PickleFile | null {
  const window = new FileWindow(file);
  try {
    return inspect(window, path.basename(file), 0);
  } finally {
    window.close();
  }
}

function inspect(bytes: ByteSource, name: string, depth: number): PickleFile | null {
  if (depth > maxDepth) return found('pickle', [], ['(archives in archives without end)']);
  const look: Look = (inner, innerName) => inspect(inner, innerName, depth + 1);
  const isNamedSo = isPickleName(name);
  const head = Buffer.from(bytes.read(0, Math.min(bytes.size, 512)));
  const isZip = head.toString('latin1', 0, 4) === 'PK\x03\x04';
  const zips = zipsIn(bytes);
  if (isZip) {
    const rules = { isNamedSo, isSuspect: isNamedSo || !isArchiveName(name) };
    return merged([
      inspectZip(bytes, name, rules, look),
      ...zips.slice(1).map((zip) => inspectZip(zip, name, unasked, look)),
    ]);
  }
  return merged([
    inspectOther(bytes, head, name, look),
    ...zips.map((zip) => inspectZip(zip, name, unasked, look)),
  ]);
}

/** An archive behind something else counts only for what is in it. */
const unasked = { isNamedSo: false, isSuspect: false };

function inspectOther(
  bytes: ByteSource,
  head: Buffer,
  name: string,
  look: Look,
): PickleFile | null {
  const isNamedSo = isPickleName(name);
  if (isTar(head)) return inspectTar(bytes, isNamedSo, look);
  if (isNumpy(head)) return inspectArray(bytes);
  const packed = isPacked(head) ? inspectPacked(bytes, name, isNamedSo, look) : null;
  return packed === null ? inspectPlain(bytes, head, name) : packed.inner;
}

function inspectArray(bytes: ByteSource): PickleFile | null {
  const head = Buffer.from(bytes.read(0, Math.min(bytes.size, headerBytes)));
  const content = holdsObjects(head) ? contentOf(bytes, head) : null;
  if (content === null) return null;
  const scans = scanPlain(content);
  return saysObjects(head) || isPickle(scans, true) ? found('pickle', scans, []) : null;
}

function inspectPlain(bytes: ByteSource, head: Buffer, name: string): PickleFile | null {
  const isNamedSo = isPickleName(name);
  const isMarked = head[0] === 0x80;
  const format = formatOf(name);
  const isElse = isTextName(name) || (format !== null && format !== 'pytorch');
  if (isElse && !isNamedSo && !isMarked) return null;
  const scans = scanPlain(bytes);
  return isNamedSo || isPickle(scans, isMarked) ? found('pickle', scans, []) : null;
}
