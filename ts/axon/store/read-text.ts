import fs from 'node:fs';
import { AxonError } from '../axon-error.ts';

export function readText(file: string, maxBytes: number): string {
  const { size } = fs.statSync(file);
  if (size > maxBytes)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${file} has ${size} bytes; at most ${maxBytes} are read.`,
    );
  return fs.readFileSync(file, 'utf8');
}
