import fs from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MlosError } from '../../protocol/errors.ts';
import { digestFile } from '../plugin/regular-file.ts';
import { sizeOf, syncFolder, type UploadFolders } from './folders.ts';
import type { Content } from './incoming.ts';

/*
 * Files by their content. A part is a beginning of which every chunk was compared with its own hash; a
 * blob is whole and was compared as a whole. What a power cut leaves behind a part's true end is found by
 * that second comparison, so parts are not forced to disk chunk by chunk.
 */
export class Contents {
  readonly #folders: UploadFolders;

  constructor(folders: UploadFolders) {
    this.#folders = folders;
  }

  isHere({ sha256, size }: Content): boolean {
    return sizeOf(this.#folders.blob(sha256)) === size;
  }

  /** The next byte that is wanted. */
  received(content: Content): number {
    if (this.isHere(content)) return content.size;
    const bytes = sizeOf(this.#folders.part(content.sha256)) ?? 0;
    return Math.min(bytes, content.size);
  }

  /**
   * Adds a chunk that was compared with its hash. One at a time for one content. Errors:
   * FAILED_PRECONDITION where it begins behind the end, DATA_CORRUPTED where the whole is not what it
   * should be (nothing of it is kept then), STORAGE_FULL.
   */
  async append(content: Content, offset: number, chunk: Uint8Array): Promise<number> {
    const have = this.received(content);
    if (offset > have) {
      throw new MlosError(
        'FAILED_PRECONDITION',
        `The file has ${have} bytes here; the chunk begins at ${offset}. Go on at ${have}.`,
        { details: { received: have } },
      );
    }
    const fresh = chunk.subarray(have - offset);
    if (fresh.byteLength > 0) await this.#write(content, have, fresh);
    const now = Math.max(have, offset + chunk.byteLength);
    if (now === content.size && !this.isHere(content)) await this.#complete(content);
    return now;
  }

  /** A file without bytes never gets a chunk. */
  async addEmpty(content: Content): Promise<void> {
    fs.closeSync(fs.openSync(this.#folders.part(content.sha256), 'w', 0o600));
    await this.#complete(content);
  }

  /** Links a blob under a name. */
  link({ sha256 }: Content, target: string): void {
    fs.linkSync(this.#folders.blob(sha256), target);
  }

  dropPart(sha256: string): void {
    fs.rmSync(this.#folders.part(sha256), { force: true });
  }

  /** Takes blobs away that are not what their name says. */
  async dropDamaged(contents: readonly Content[]): Promise<void> {
    for (const { sha256 } of contents) {
      const file = this.#folders.blob(sha256);
      if (sizeOf(file) === null || (await digestFile(file)) === sha256) continue;
      fs.rmSync(file, { force: true });
    }
  }

  async #write(content: Content, at: number, bytes: Uint8Array): Promise<void> {
    const file = await openPart(this.#folders.part(content.sha256));
    try {
      let done = 0;
      while (done < bytes.byteLength) {
        const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, at + done);
        done += bytesWritten;
      }
      // What lay behind the end by a power cut would be taken for received.
      await file.truncate(at + done);
    } catch (error) {
      throw writeError(error);
    } finally {
      await file.close();
    }
  }

  async #complete({ sha256 }: Content): Promise<void> {
    const part = this.#folders.part(sha256);
    const digest = await digestFile(part);
    if (digest !== sha256) {
      fs.rmSync(part, { force: true });
      throw new MlosError(
        'DATA_CORRUPTED',
        `The whole file has sha256 ${digest}, not ${sha256}. It was dropped; send it again from its first byte.`,
        { details: { expected: sha256, received: digest, whole: true } },
      );
    }
    try {
      const file = await open(part, 'r');
      try {
        await file.chmod(0o400);
        await file.sync();
      } finally {
        await file.close();
      }
      fs.renameSync(part, this.#folders.blob(sha256));
      syncFolder(this.#folders.blobs);
    } catch (error) {
      throw writeError(error);
    }
  }
}

function openPart(path: string): Promise<FileHandle> {
  return open(path, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW, 0o600);
}

/** What the disk says, in the words of the contract. */
export function writeError(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new MlosError(
    'STORAGE_FULL',
    "The disk of the daemon's data folder is full. What arrived is kept; go on when there is room.",
    { cause: error },
  );
}
