import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../protocol/limits.ts';
import type { UploadFolders } from './folders.ts';
import type { IncomingUploads } from './incoming.ts';

/**
 * Takes away what nobody uses: uploads that nobody went on with, packages that no model is registered
 * from, blobs that stand in none and parts of neither. All of it is kept for a day first, so that a model
 * can be registered anew, or its next version uploaded, without being sent again.
 */
export async function clearUp(
  folders: UploadFolders,
  incoming: IncomingUploads,
  inUse: ReadonlySet<string>,
  now: number,
): Promise<void> {
  const wanted = await wantedContents(incoming, now);
  const before = now - limits.uploadExpiryMs;
  remove(folders, folders.incoming, before, ({ name }) => name.includes('.'));
  remove(folders, folders.packages, before, ({ full }) => !inUse.has(full));
  remove(folders, folders.parts, before, ({ name }) => !wanted.has(name));
  // A blob with a second link stands in a package that is still there.
  remove(folders, folders.blobs, before, ({ name, links }) => links === 1 && !wanted.has(name));
}

/** What the uploads are about that somebody may go on with; the others end here. */
async function wantedContents(incoming: IncomingUploads, now: number): Promise<Set<string>> {
  const wanted = new Set<string>();
  for (const upload of await incoming.all()) {
    if (upload.expiresAt < now) incoming.remove(upload.id);
    else for (const { sha256 } of upload.contents) wanted.add(sha256);
  }
  return wanted;
}

interface Entry {
  readonly name: string;
  readonly full: string;
  readonly links: number;
}

function remove(
  folders: UploadFolders,
  folder: string,
  before: number,
  isIdle: (entry: Entry) => boolean,
): void {
  for (const name of folders.names(folder)) {
    const full = path.join(folder, name);
    const { mtimeMs, nlink } = fs.lstatSync(full);
    if (mtimeMs < before && isIdle({ name, full, links: nlink }))
      fs.rmSync(full, { recursive: true, force: true });
  }
}
