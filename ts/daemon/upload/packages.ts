import fs from 'node:fs';
import path from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import type { Contents } from './contents.ts';
import { syncFolder, type UploadFolders } from './folders.ts';
import { type Incoming, manifestFile, signatureFile } from './incoming.ts';

/** Lays an upload out as a package, whole or not at all. Answers its folder. */
export function layOut(folders: UploadFolders, contents: Contents, upload: Incoming): string {
  const missing = upload.contents.filter((content) => !contents.isHere(content));
  if (missing.length > 0) {
    throw new MlosError(
      'FAILED_PRECONDITION',
      `${missing.length} files have not wholly arrived. uploads.begin says where to go on.`,
      { details: { begin: true, missing: missing.slice(0, 100).map(({ sha256 }) => sha256) } },
    );
  }
  const target = folders.package(upload.id);
  if (fs.existsSync(target)) {
    // The same bytes by another upload; new again for those who clear up.
    const now = new Date();
    fs.utimesSync(target, now, now);
    addSignature(folders, upload, target);
    return target;
  }
  const draft = `${target}.new`;
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { mode: 0o700 });
  for (const file of upload.manifest.spec.format.files) {
    const name = path.join(draft, file.path);
    fs.mkdirSync(path.dirname(name), { recursive: true, mode: 0o700 });
    contents.link(file, name);
  }
  const manifest = fs.readFileSync(path.join(folders.upload(upload.id), manifestFile));
  fs.writeFileSync(path.join(draft, manifestFile), manifest, { flush: true });
  addSignature(folders, upload, draft);
  fs.renameSync(draft, target);
  syncFolder(folders.packages);
  return target;
}

/** Whether it is good is asked at registration, as of every package. */
function addSignature(folders: UploadFolders, upload: Incoming, folder: string): void {
  const given = path.join(folders.upload(upload.id), signatureFile);
  if (!fs.existsSync(given)) return;
  const draft = path.join(folder, `${signatureFile}.new`);
  fs.writeFileSync(draft, fs.readFileSync(given), { flush: true });
  fs.renameSync(draft, path.join(folder, signatureFile));
}

/** Of a package whose files are not what they were. */
export function discard(folders: UploadFolders, id: string): void {
  fs.rmSync(folders.package(id), { recursive: true, force: true });
}
