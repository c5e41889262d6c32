import fs from 'node:fs';
import path from 'node:path';
import { Digest } from '../download/digest.ts';
import type { ExpectedHash } from '../download/options.ts';

/** Writes a new file below `root`, hashing on the way. Refuses to write over or through anything. */
export async function writeNewFile(
  root: string,
  name: string,
  body: AsyncIterable<Uint8Array>,
  expected: ExpectedHash | null = null,
  size: number | null = null,
): Promise<{ readonly sha256: string; readonly size: number; readonly mismatch: string | null }> {
  const full = path.join(root, ...name.split('/'));
  fs.mkdirSync(path.dirname(full), { recursive: true });
  const digest = new Digest(expected, size);
  const handle = await fs.promises.open(full, 'wx', 0o644);
  try {
    for await (const chunk of body) {
      digest.update(chunk);
      let at = 0;
      while (at < chunk.byteLength) at += (await handle.write(chunk, at)).bytesWritten;
    }
  } finally {
    await handle.close();
  }
  return { ...digest.finish(), size: digest.bytes };
}

/** The same, after taking away what an interrupted run left under the name. */
export function replaceFile(
  root: string,
  name: string,
  body: AsyncIterable<Uint8Array>,
): ReturnType<typeof writeNewFile> {
  fs.rmSync(path.join(root, ...name.split('/')), { force: true });
  return writeNewFile(root, name, body);
}
