import fs from 'node:fs';
import { AxonError } from '../axon-error.ts';
import { type Format, formatOf } from './file-kinds.ts';

const magic: Partial<Record<Format, (head: Buffer) => boolean>> = {
  gguf: (head) => head.toString('latin1', 0, 4) === 'GGUF',
  tflite: (head) => head.toString('latin1', 4, 8) === 'TFL3',
};

/** So many bytes of a file tell. */
const headBytes = 64;

/** The commonest damage: something else under a model's name. Extensions are not believed. */
export function refuseImposter(file: string, path: string): void {
  const what = imposter(headOf(file), path);
  if (what === null) return;
  throw new AxonError('BAD_RESPONSE', `${path} ${what}. Nothing was installed.`, {
    details: { file: path },
  });
}

export function headOf(file: string): Buffer {
  const fd = fs.openSync(file, 'r');
  const buffer = Buffer.alloc(headBytes);
  const head = buffer.subarray(0, fs.readSync(fd, buffer, 0, headBytes, 0));
  fs.closeSync(fd);
  return head;
}

/** What a file that begins so is instead of what its name says; null where nothing is seen. */
export function imposter(head: Buffer, path: string): string | null {
  const text = head.toString('latin1', 0, headBytes);
  if (text.startsWith('version https://git-lfs.github.com/'))
    return 'is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`, or from the hub';
  const format = formatOf(path);
  if (format === null) return null;
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return 'is a web page, not a model';
  if (head.length === 0) return 'is empty';
  return magic[format]?.(head) === false ? `does not begin as ${format} files do` : null;
}
