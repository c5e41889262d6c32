import { type ByteSource, Part } from '../bytes/byte-source.ts';

/*
 * NumPy's own files (.npy, and those in .npz): a header in words, then numbers. Where it says that there are objects
 * (`|O`), a pickle stands in their place.
 */
const magic = '\x93NUMPY';
const maxHeader = 64 * 1024;
/** Enough of a file to have its whole header. */
export const headerBytes = maxHeader + 12;
/** The whole header of an array of numbers or texts, as NumPy writes it, also with named fields. */
const numbers = (() => {
  const type = String.raw`'[|<>=]?[a-zA-NP-Z]\d*(\[[\w/]*\])?'`;
  const shape = String.raw`\((\d+(, ?\d+)*)?,?\)`;
  const fields = String.raw`\[(\('[^'\\]*', ${type}(, ${shape})?\)(, )?)*\]`;
  return new RegExp(
    String.raw`^\{'descr': (${type}|${fields}), 'fortran_order': (True|False), 'shape': ${shape}, \}\s*$`,
  );
})();

export function isNumpy(head: Buffer): boolean {
  return head.toString('latin1', 0, magic.length) === magic;
}

/** Whether there could be objects in an array: whatever does not say plainly that it holds numbers. */
export function holdsObjects(head: Buffer): boolean {
  if (!isNumpy(head)) return false;
  const place = headerOf(head);
  if (place === null) return false;
  return !numbers.test(head.toString('latin1', place.start, place.end));
}

/** Whether it says so itself. */
export function saysObjects(head: Buffer): boolean {
  const place = headerOf(head);
  if (place === null) return false;
  return /'[|<>=]?O\d*'[,)\]]/.test(head.toString('latin1', place.start, place.end));
}

/** What stands behind the header. */
export function contentOf(bytes: ByteSource, head: Buffer): ByteSource | null {
  const end = headerOf(head)?.end ?? bytes.size;
  return end < bytes.size ? new Part(bytes, end, bytes.size - end) : null;
}

/** No reader takes a version that it does not know. */
function headerOf(head: Buffer): { start: number; end: number } | null {
  const version = head[6] ?? 0;
  if (version < 1 || version > 3 || head.length < 12) return null;
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? head.readUInt16LE(8) : head.readUInt32LE(8);
  return length > maxHeader ? null : { start, end: start + length };
}
