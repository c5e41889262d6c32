import fs from 'node:fs';
import path from 'node:path';
import type { ManifestFile } from '../../protocol/manifest.ts';
import { errnoOf } from '../axon-error.ts';
import type { PackageRequest } from '../download/fetch-all.ts';
import { hashFile } from '../download/fetch-file.ts';
import { verifiedBy } from '../download/verified-by.ts';

/**
 * Takes files from the cache of another tool on this machine. They are copied (as reflinks where the
 * file system can) and the copy is hashed: that cache is neither trusted nor changed, and what its owner
 * does with it later changes nothing here. What is not there, or not right, is left for the network.
 */
export async function takeLocal(
  requests: readonly PackageRequest[],
  candidates: (request: PackageRequest) => readonly string[],
  signal: AbortSignal,
): Promise<{ readonly taken: readonly ManifestFile[]; readonly left: readonly PackageRequest[] }> {
  const taken: ManifestFile[] = [];
  const left: PackageRequest[] = [];
  for (const request of requests) {
    const file = await takeOne(request, candidates(request), signal);
    if (file === null) left.push(request);
    else taken.push(file);
  }
  return { taken, left };
}

async function takeOne(
  request: PackageRequest,
  candidates: readonly string[],
  signal: AbortSignal,
): Promise<ManifestFile | null> {
  const { expected, dest, path: name } = request;
  if (expected === null || fs.existsSync(dest)) return null;
  for (const candidate of candidates) {
    signal.throwIfAborted();
    const draft = `${dest}.local`;
    try {
      if (!isUsable(candidate, request.size)) continue;
      fs.mkdirSync(path.dirname(dest), { recursive: true });
      await fs.promises.copyFile(candidate, draft, fs.constants.COPYFILE_FICLONE);
      const { mismatch, sha256, size } = await hashFile(draft, expected, signal);
      if (mismatch !== null) continue;
      // A cache is often read-only; what is taken from it becomes a file like all others.
      fs.chmodSync(draft, 0o644);
      fs.renameSync(draft, dest);
      return { path: name, size, sha256, verified_by: verifiedBy(expected) };
    } catch (error) {
      if (errnoOf(error) !== 'EACCES' && errnoOf(error) !== 'ENOENT') throw error;
    } finally {
      fs.rmSync(draft, { force: true });
    }
  }
  return null;
}

function isUsable(file: string, size: number | null): boolean {
  const found = fs.statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && (size === null || found.size === size);
}
