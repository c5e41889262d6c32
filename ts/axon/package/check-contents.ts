import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { headOf, imposter } from '../formats/sniff.ts';
import { checkArchive, hashed, type Opened } from './archive.ts';
import { requireInnerData } from './inner-data.ts';
import { writeNewFile } from './write-file.ts';

/** What is read as a file to know which others a model opens: it is written for as long as that takes. */
const read = /\.onnx$|\.index[^/]*\.json$/;

/** Checks every byte of an archive, and what its files are, without unpacking it. */
export async function checkContents(archive: string, signal: AbortSignal): Promise<Opened> {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-validate-'));
  try {
    const opened = await checkArchive(archive, signal, async ({ path: name }, body) => {
      if (!read.test(name)) return hashed(body, (first) => requireOwn(first, name));
      const written = await writeNewFile(work, name, body);
      requireOwn(headOf(path.join(work, name)), name);
      return written;
    });
    requireInnerData(work, opened.manifest);
    return opened;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** Something else under a model's name has the hash that its manifest states, too. */
export function requireOwn(head: Buffer, name: string): void {
  const what = imposter(head, name);
  if (what !== null) throw new AxonError('INVALID_PACKAGE', `${name} ${what}.`);
}
