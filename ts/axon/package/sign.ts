import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../../protocol/manifest.ts';
import { signatureText } from '../../protocol/signature.ts';
import { signatureName } from '../store/layout.ts';
import { replaceDurably } from '../store/sync.ts';
import { unpackArchive } from './archive.ts';
import type { PackageFolder } from './manifest-file.ts';
import { packArchive } from './pack-archive.ts';
import { requireVerified, verifyFiles } from './verify.ts';

interface Signed {
  readonly manifest: Manifest;
  readonly signature: string;
}

/** Signs a folder, after all files are found to be what the manifest says: nobody signs damage. */
export async function signFolder(
  { dir, manifest, text }: PackageFolder,
  key: KeyObject,
  signal: AbortSignal,
): Promise<Signed> {
  const verified = await verifyFiles(dir, manifest, signal);
  requireVerified(dir, verified, 'Nothing was signed.');
  const signature = signatureText(text, key);
  const draft = path.join(dir, `.${signatureName}.${process.pid}`);
  replaceDurably(path.join(dir, signatureName), signature, draft);
  return { manifest, signature };
}

/** Writes the archive anew, with the signature behind its manifest, and puts it in the old one's place. */
export async function signArchive(
  file: string,
  key: KeyObject,
  signal: AbortSignal,
): Promise<Signed> {
  const work = fs.mkdtempSync(path.join(path.dirname(file), '.axon-sign-'));
  try {
    const files = path.join(work, 'files');
    fs.mkdirSync(files);
    const { manifest, text } = await unpackArchive(file, files, signal);
    const signature = signatureText(text, key);
    const draft = path.join(work, path.basename(file));
    await packArchive(files, text, signature, draft, signal);
    fs.renameSync(draft, file);
    return { manifest, signature };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
