import fs from 'node:fs/promises';
import type { ArchiveFile } from './archive-limits.ts';
import { readTar } from './tar-entries.ts';
import { readZip } from './zip-entries.ts';

/** Reads a zip or a tar, whichever it is: names and media types of archives are often wrong, their bytes are not. */
export async function readArchive(
  file: string,
  label: string,
  each: (entry: ArchiveFile) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const read = (await beginsWith(file, 'PK')) ? readZip : readTar;
  await read(file, label, each, signal);
}

export async function beginsWith(file: string, latin1: string): Promise<boolean> {
  const handle = await fs.open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(latin1.length), 0);
    return buffer.toString('latin1', 0, bytesRead) === latin1;
  } finally {
    await handle.close();
  }
}
