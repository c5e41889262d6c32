import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../protocol/make-folder.ts';

/*
 * <data_dir>/models/
 *   incoming/<upload id>/   manifest.yaml and model-id: an upload that is not finished
 *   parts/<sha256>          the beginning of a file that is under way
 *   blobs/<sha256>          whole files, checked
 *   packages/<upload id>/   what models are registered from: the manifest, and links to blobs
 * One file system, so a link is free and a rename makes a package visible as a whole.
 */
const ownerOnly = 0o700;

export class UploadFolders {
  readonly incoming: string;
  readonly parts: string;
  readonly blobs: string;
  readonly packages: string;

  constructor(dataFolder: string) {
    const root = path.join(dataFolder, 'models');
    this.incoming = path.join(root, 'incoming');
    this.parts = path.join(root, 'parts');
    this.blobs = path.join(root, 'blobs');
    this.packages = path.join(root, 'packages');
  }

  /** Made when the first upload begins: most daemons never get one. */
  make(): void {
    for (const folder of [this.incoming, this.parts, this.blobs, this.packages]) {
      makeFolder(folder, ownerOnly);
    }
  }

  upload(id: string): string {
    return path.join(this.incoming, id);
  }

  part(sha256: string): string {
    return path.join(this.parts, sha256);
  }

  blob(sha256: string): string {
    return path.join(this.blobs, sha256);
  }

  package(id: string): string {
    return path.join(this.packages, id);
  }

  /** Names in a folder that may not be there yet. */
  names(folder: string): string[] {
    return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  }
}

/** Size of a regular file, or null where there is none. */
export function sizeOf(file: string): number | null {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false });
  return stats?.isFile() === true ? stats.size : null;
}

/** A rename survives a power cut only when its folder is on disk, too. */
export function syncFolder(folder: string): void {
  const descriptor = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
