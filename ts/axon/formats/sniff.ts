import fs from 'node:fs';
import { AxonError } from '../axon-error.ts';
import { type Format, formatOf } from './file-kinds.ts';

const magic: Partial<Record<Format, (head: Buffer) => boolean>> = {
  gguf: (head) => head.toString('latin1', 0, 4) === 'GGUF',
  tflite: (head) => head.toString('latin1', 4, 8) === 'TFL3',
};

/** The commonest damage: something else under a model's name. Extensions are not believed. */
export function refuseImposter(file: string, path: string): void {
  const format = formatOf(path);
  const fd = fs.openSync(file, 'r');
  const buffer = Buffer.alloc(64);
  const head = buffer.subarray(0, fs.readSync(fd, buffer, 0, 64, 0));
  fs.closeSync(fd);
  const text = head.toString('latin1');
  const fail = (what: string) => {
    throw new AxonError('BAD_RESPONSE', `${path} ${what}. Nothing was installed.`, {
      details: { file: path },
    });
  };
  if (text.startsWith('version https://git-lfs.github.com/'))
    fail(
      'is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`, or from the hub',
    );
  if (format === null) return;
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) fail('is a web page, not a model');
  if (head.length === 0) fail('is empty');
  if (magic[format]?.(head) === false) fail(`does not begin as ${format} files do`);
}
